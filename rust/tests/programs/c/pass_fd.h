// Sending a descriptor over a socket (SCM_RIGHTS, unix(7)).
#pragma once

#include "check.h"

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr header;
};

static inline void send_fd(int socket, int fd) {
    union control control = {0};
    struct iovec part = {"x", 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ENSURE(sendmsg(socket, &message, 0) == 1);
}

static inline int fd_of(struct msghdr *message) {
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    ENSURE(header != NULL && header->cmsg_type == SCM_RIGHTS);
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static inline int receive_fd(int socket) {
    char byte;
    union control control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ENSURE(recvmsg(socket, &message, 0) == 1);
    return fd_of(&message);
}

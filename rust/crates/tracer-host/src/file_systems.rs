//! File systems whose regular files are views of the kernel, and no data.

/// procfs.
pub const PROC: i64 = 0x9fa0;

/// File systems whose regular files are views of the kernel and no data (include/uapi/linux/magic.h).
const PSEUDO_FILE_SYSTEMS: &[i64] = &[
    PROC,
    0x6265_6572, // sysfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x7472_6163, // tracefs
    0x6462_6720, // debugfs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
    0x6265_6570, // configfs
    0xde5e_81e4, // efivarfs
    0x6165_676c, // pstore
    0x1980_0202, // mqueue
    0x6e73_6673, // nsfs
    0xf97c_ff8c, // selinuxfs
    0x4249_4e4d, // binfmt_misc
    0x6573_5543, // fusectl
];

/// tmpfs, and devtmpfs, which cannot be told apart by type.
const TMPFS: i64 = 0x0102_1994;

/// Returns whether a file on a file system of that type (`f_type` of statfs(2)) is a view of the kernel, or a node of devtmpfs:
/// `is_dev` says whether it is on the device that `/dev` is. `/dev/shm` is for files, and need not be a file system of its own.
pub fn is_view(kind: i64, is_dev: bool, path: &[u8]) -> bool {
    if kind == TMPFS {
        return is_dev && path.starts_with(b"/dev/") && !path.starts_with(b"/dev/shm/");
    }
    PSEUDO_FILE_SYSTEMS.contains(&kind)
}

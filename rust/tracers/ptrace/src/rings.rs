//! io_uring: for now every ring is a gap, with the process named.

use tracer_host::Recorder;
use tracer_schema::GapKind;

use crate::calls::Pending;
use crate::observer::{Observer, Who};
use crate::sys::Tid;

/// A call about a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RingCall {
    /// io_uring_setup(2).
    Setup {
        /// Address of struct io_uring_params.
        params: u64,
    },
    /// io_uring_register(2).
    Register {
        /// The ring.
        ring: i32,
        /// IORING_REGISTER_*.
        opcode: u32,
        /// Address of what is registered.
        argument: u64,
        /// Number of entries.
        count: u32,
    },
}

/// An operation submitted to a ring.
#[derive(Debug)]
pub(crate) struct Submission;

/// The rings of the run.
#[derive(Default)]
pub(crate) struct Rings;

impl Rings {
    /// The process has ended or executed another program.
    pub(crate) fn close(&mut self, _recorder: &mut Recorder, _pid: Tid) {}
}

impl Observer {
    pub(crate) fn enter_ring(&mut self, _who: Who, _ring: i32) -> Option<Pending> {
        None
    }

    pub(crate) fn leave_ring(
        &mut self,
        who: Who,
        call: RingCall,
        _submissions: Vec<Submission>,
        result: i64,
    ) {
        if let RingCall::Setup { .. } = call
            && result >= 0
        {
            let exe = self.resolver.proc_link(who.tid, "exe").ok();
            let detail = "io_uring operations are not decoded";
            self.recorder
                .tell_gap(GapKind::IoUring, who.pid.as_pid(), exe.as_deref(), detail);
        }
    }
}

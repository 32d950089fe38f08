//! What a job is: its type, its state, and what may be asked of it. The numbers are the C interface.

use std::fmt;

macro_rules! numbered {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $number:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(i32)]
        pub enum $name { $($variant = $number,)* }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The value with this number in the C interface.
            pub fn from_number(number: i32) -> Option<$name> {
                match number { $($number => Some($name::$variant),)* _ => None }
            }

            /// Its name in XML and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The value with this name in XML.
            pub fn from_name(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

numbered! {
    /// `virDomainJobType`.
    JobType {
        None = 0, "none";
        Migration = 1, "migration";
        BlockPull = 2, "block-pull";
        BlockCopy = 3, "block-copy";
        BlockCommit = 4, "block-commit";
        BlockCommitActive = 5, "block-commit-active";
        BlockBackup = 6, "block-backup";
        BlockCreate = 7, "block-create";
        BlockAmend = 8, "block-amend";
        Save = 9, "save";
        Restore = 10, "restore";
        Dump = 11, "dump";
        Snapshot = 12, "snapshot";
        SnapshotRevert = 13, "snapshot-revert";
        SnapshotDelete = 14, "snapshot-delete";
        MigrationIn = 15, "migration-in";
        Other = 16, "other";
    }
}

impl JobType {
    /// Whether it is one of the `BLOCK_*` types.
    pub const fn is_block(self) -> bool {
        matches!(
            self,
            JobType::BlockPull
                | JobType::BlockCopy
                | JobType::BlockCommit
                | JobType::BlockCommitActive
                | JobType::BlockBackup
                | JobType::BlockCreate
                | JobType::BlockAmend
        )
    }

    /// Whether its `ready` state is entered by itself and left by FINALIZE: mirrors in QEMU's terms.
    pub const fn becomes_ready(self) -> bool {
        matches!(self, JobType::BlockCopy | JobType::BlockCommitActive)
    }
}

numbered! {
    /// `virDomainJobState`.
    JobState {
        None = 0, "none";
        Running = 1, "running";
        Ready = 2, "ready";
        Failed = 3, "failed";
        Completed = 4, "completed";
        Aborted = 5, "aborted";
        Paused = 6, "paused";
    }
}

impl JobState {
    /// FAILED, COMPLETED and ABORTED: nothing comes after them.
    pub const fn is_final(self) -> bool {
        matches!(self, JobState::Failed | JobState::Completed | JobState::Aborted)
    }
}

numbered! {
    /// `virDomainJobControlOperation`.
    ControlOp {
        None = 0, "none";
        Abort = 1, "abort";
        Finalize = 2, "finalize";
        Pause = 3, "pause";
        Resume = 4, "resume";
        Dismiss = 5, "dismiss";
    }
}

/// A moment, handed in by whoever has a clock, so that the engine needs none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord)]
pub struct Now {
    /// Milliseconds of a clock that never goes back.
    pub mono_ms: u64,
    /// Milliseconds since the epoch, for people.
    pub wall_ms: u64,
}

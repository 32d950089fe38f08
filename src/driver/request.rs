//! Arguments of the calls that start or list jobs, in one struct each.

use crate::job::Job;
use crate::model::flags::list;
use crate::model::TypedParam;

/// Which jobs a listing is to name; bits of `model::flags::list`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListFilter(pub u32);

impl ListFilter {
    /// Whether the listing wants a job. Where neither bit of a pair is set, both kinds are wanted.
    pub fn selects(self, job: &Job) -> bool {
        let finished = job.state().is_final();
        let block = job.kind().is_block();
        self.wants(list::ACTIVE, list::FINISHED, finished) && self.wants(list::DOMAIN, list::BLOCK, block)
    }

    fn wants(self, plain: u32, other: u32, is_other: bool) -> bool {
        self.0 & (plain | other) == 0 || self.0 & if is_other { other } else { plain } != 0
    }

    /// Whether fresh figures are wanted.
    pub fn stats(self) -> bool {
        self.0 & list::STATS != 0
    }
}

/// `virDomainBlockPull` and `virDomainBlockRebase` without COPY.
#[derive(Clone, Copy, Debug)]
pub struct BlockPull<'a> {
    /// The disk by `<target dev>` or source path.
    pub disk: &'a str,
    /// What is kept as backing image: a path or `vda[N]`; `None` pulls everything.
    pub base: Option<&'a str>,
    /// Bytes per second, 0 for no limit.
    pub bandwidth: u64,
    /// `model::flags::rebase` bits.
    pub flags: u32,
}

/// `virDomainBlockCopy` and `virDomainBlockRebase` with COPY.
#[derive(Clone, Copy, Debug)]
pub struct BlockCopy<'a> {
    pub disk: &'a str,
    pub destination: CopyDestination<'a>,
    pub bandwidth: u64,
    /// Dirty bitmap granularity and buffer size in bytes; 0 leaves the choice to the hypervisor.
    pub granularity: u32,
    pub buf_size: u64,
    /// `model::flags::copy` bits, with the START bits.
    pub flags: u32,
}

/// How the target of a copy is given.
#[derive(Clone, Copy, Debug)]
pub enum CopyDestination<'a> {
    /// A `<disk>` document.
    Xml(&'a str),
    /// A path, as `virDomainBlockRebase` has it; `raw`: create or open it raw rather than in the source's format.
    Path { path: &'a str, raw: bool, block: bool },
}

/// `virDomainBlockCommit`.
#[derive(Clone, Copy, Debug)]
pub struct BlockCommit<'a> {
    pub disk: &'a str,
    pub base: Option<&'a str>,
    pub top: Option<&'a str>,
    pub bandwidth: u64,
    /// `model::flags::commit` bits, with the START bits.
    pub flags: u32,
}

/// `virDomainSave`, `SaveFlags` and `SaveParams`.
#[derive(Clone, Copy, Debug)]
pub struct Save<'a> {
    pub file: &'a str,
    pub xml: Option<&'a str>,
    pub flags: u32,
}

/// `virDomainRestore`, `RestoreFlags` and `RestoreParams`.
#[derive(Clone, Copy, Debug)]
pub struct Restore<'a> {
    pub file: &'a str,
    pub xml: Option<&'a str>,
    pub flags: u32,
}

/// `virDomainCoreDump` and `CoreDumpWithFormat`.
#[derive(Clone, Copy, Debug)]
pub struct CoreDump<'a> {
    pub file: &'a str,
    /// `virDomainCoreDumpFormat`.
    pub format: u32,
    pub flags: u32,
}

/// `virDomainMigrateToURI`, `2` and `3`.
#[derive(Clone, Debug)]
pub struct Migrate<'a> {
    /// The hypervisor's own URI of the peer: `tcp:HOST:PORT` or `unix:PATH`.
    pub uri: &'a str,
    /// MiB per second, 0 for the domain's default.
    pub bandwidth: u64,
    pub xml: Option<&'a str>,
    pub flags: u32,
    /// What `virDomainMigrateToURI3` was given beside that.
    pub params: Vec<TypedParam>,
}

/// `virDomainBlockJobInfo`; bandwidth in bytes per second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockJobInfo {
    /// `virDomainBlockJobType`.
    pub kind: i32,
    pub bandwidth: u64,
    pub cur: u64,
    pub end: u64,
}

/// `virDomainJobInfo`; times in milliseconds, sizes in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DomainJobInfo {
    pub kind: i32,
    pub time_elapsed: u64,
    pub time_remaining: u64,
    pub data_total: u64,
    pub data_processed: u64,
    pub data_remaining: u64,
    pub mem_total: u64,
    pub mem_processed: u64,
    pub mem_remaining: u64,
    pub file_total: u64,
    pub file_processed: u64,
    pub file_remaining: u64,
}

/// `virDomainBlockInfo`, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockInfo {
    /// What the guest sees.
    pub capacity: u64,
    /// What the image has written.
    pub allocation: u64,
    /// How large the file or device is.
    pub physical: u64,
}

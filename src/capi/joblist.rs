//! A listing of jobs on its way to C.
//!
//! A name is an allocation of its own, as C programs expect of a string that they may want to keep. The structs are cut
//! from blocks that go with the last job in them: a listing of thousands costs little more than its names.

use std::ffi::c_uint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{mem, ptr};

use super::alloc::{self, Array};
use super::ctypes::{virDomainJob, virDomainJobPtr, virTypedParameter};
use super::entry::{Call, Outcome};
use super::typedparam;
use crate::driver::request::ListFilter;
use crate::driver::Jobs;
use crate::job::Job;
use crate::model::flags::list;
use crate::model::{code, DomainRef, Now, Result, TypedValue};
use crate::xml::job::job_xml;

/// Jobs in the first block of a listing, and in the largest.
const FIRST_CUTS: usize = 4;
const MOST_CUTS: usize = 64;

/// A job and the block that it was cut from.
#[repr(C)]
struct Cut {
    job: virDomainJob,
    block: *mut Block,
}

/// Room for a number of jobs, right behind this.
#[repr(C)]
struct Block {
    /// Jobs in it that are still in use, and one while it is being cut.
    left: AtomicUsize,
}

/// Cuts blocks into jobs.
struct Cutter {
    block: *mut Block,
    used: usize,
    room: usize,
}

impl Cutter {
    const fn new() -> Cutter {
        Cutter { block: ptr::null_mut(), used: 0, room: 0 }
    }

    /// A place for a job; its name is freed if there is none.
    fn cut(&mut self, job: virDomainJob) -> Result<virDomainJobPtr> {
        if self.used == self.room {
            if let Err(error) = self.next_block() {
                // SAFETY: the job has not been handed out.
                unsafe { alloc::free(job.name) };
                return Err(error);
            }
        }
        // SAFETY: the block has room for one more job.
        let cut = unsafe { self.block.add(1).cast::<Cut>().add(self.used) };
        self.used += 1;
        // SAFETY: as above; the block is counted before anybody else can know of the job.
        unsafe {
            (*self.block).left.fetch_add(1, Ordering::Relaxed);
            cut.write(Cut { job, block: self.block });
            Ok(&raw mut (*cut).job)
        }
    }

    fn next_block(&mut self) -> Result<()> {
        let room = (self.room * 2).clamp(FIRST_CUTS, MOST_CUTS);
        let block = alloc::bytes(mem::size_of::<Block>() + room * mem::size_of::<Cut>())?.cast::<Block>();
        // SAFETY: fresh memory, aligned for anything.
        unsafe { block.write(Block { left: AtomicUsize::new(1) }) };
        // SAFETY: nothing more will be cut from the old block.
        unsafe { put(mem::replace(&mut self.block, block)) };
        (self.used, self.room) = (0, room);
        Ok(())
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        // SAFETY: nothing more will be cut from it.
        unsafe { put(self.block) };
    }
}

/// Takes one user off a block, which goes with the last.
///
/// # Safety
/// `block` is NULL or has that user.
unsafe fn put(block: *mut Block) {
    // SAFETY: as the caller says.
    unsafe {
        if !block.is_null() && (*block).left.fetch_sub(1, Ordering::AcqRel) == 1 {
            alloc::free(block);
        }
    }
}

/// Releases a job of a listing.
///
/// # Safety
/// It came from a listing and is not used any more.
pub unsafe fn free_job(job: virDomainJobPtr) {
    // SAFETY: as the caller says, so it is part of a cut.
    unsafe {
        typedparam::clear((*job).data, (*job).ndata);
        alloc::free((*job).data);
        alloc::free((*job).name);
        put((*job.cast::<Cut>()).block);
    }
}

/// Jobs on their way into an array for C.
pub struct Listing {
    jobs: Array<virDomainJobPtr>,
    cutter: Cutter,
    count: usize,
    wanted: bool,
    flags: u32,
}

impl Listing {
    /// `wanted`: the caller takes the array; otherwise jobs are only counted.
    pub fn new(wanted: bool, flags: u32) -> Listing {
        Listing { jobs: Array::new(free_job), cutter: Cutter::new(), count: 0, wanted, flags }
    }

    fn add(&mut self, job: &Job, domain: Option<&DomainRef>) -> Result<()> {
        self.count += 1;
        if !self.wanted {
            return Ok(());
        }
        let name = alloc::string(job.name())?;
        let (kind, state) = (job.kind() as c_uint, job.state() as c_uint);
        let place = self.cutter.cut(virDomainJob { name, r#type: kind, state, data: ptr::null_mut(), ndata: 0 })?;
        // From here on the array disposes of it if need be.
        self.jobs.push(place)?;
        if self.flags & (list::STATS | list::XML) != 0 || domain.is_some() {
            let (data, ndata) = self.describe(job, domain)?.release();
            // SAFETY: the job was made above and nobody else has it yet.
            unsafe { ((*place).data, (*place).ndata) = (data, ndata) };
        }
        Ok(())
    }

    /// The abbreviated description of a job.
    fn describe(&self, job: &Job, domain: Option<&DomainRef>) -> Result<Array<virTypedParameter>> {
        let mut data = typedparam::array();
        let mut add = |field: &str, value: TypedValue| data.push(typedparam::to_c(field, &value)?);
        if let Some(domain) = domain {
            add("domain.name", TypedValue::String(domain.name.clone()))?;
            add("domain.uuid", TypedValue::String(domain.uuid.to_string()))?;
        }
        if self.flags & list::STATS != 0 {
            for disk in &job.config().disks {
                add("disk", TypedValue::String(disk.clone()))?;
            }
            add("current", TypedValue::ULLong(job.stats().current))?;
            add("end", TypedValue::ULLong(job.stats().end))?;
            if let Some(rate) = job.stats().rate {
                add("rate", TypedValue::ULLong(rate))?;
            }
            if let Some(error) = job.error() {
                add("error", TypedValue::String(error.to_owned()))?;
            }
        }
        if self.flags & list::XML != 0 {
            add("xml", TypedValue::String(job_xml(job, Now::default(), false)))?;
        }
        Ok(data)
    }

    /// Takes all jobs of a domain that the flags select.
    pub fn take(&mut self, driver: &dyn Jobs, filter: u32, domain: Option<&DomainRef>) -> Result<()> {
        let mut failed = None;
        driver.list_jobs(ListFilter(filter), &mut |job| {
            if failed.is_none() {
                failed = self.add(job, domain).err();
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Takes the jobs of one domain of many. One that has gone away has none, and one that cannot be asked for fresh
    /// figures does not keep the others from being listed: its jobs come with what was last heard of them. `fresh`: it has
    /// been asked just now.
    pub fn take_from_many(&mut self, driver: &dyn Jobs, domain: &DomainRef, fresh: bool) -> Result<()> {
        let before = self.count;
        match self.take(driver, if fresh { self.flags & !list::STATS } else { self.flags }, Some(domain)) {
            Err(error) if error.code == code::NO_DOMAIN => Ok(()),
            Err(_) if self.flags & list::STATS != 0 && self.count == before => self.take(driver, self.flags & !list::STATS, Some(domain)),
            result => result,
        }
    }

    /// Hands the array to C and says how many jobs there are.
    pub fn finish(self, call: &Call, jobs: *mut *mut virDomainJobPtr) -> Outcome<usize> {
        if self.wanted {
            let (block, _) = self.jobs.release_with(ptr::null_mut())?;
            call.maybe_out(jobs).set(block);
        }
        Ok(self.count)
    }
}

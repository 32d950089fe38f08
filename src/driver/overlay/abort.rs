//! Jobs that the application ends by libvirt's older functions, which tell nobody but libvirt of it.

use std::sync::Arc;

use super::calls::RealDomain;
use super::domain::DomainJobs;
use super::hub::Hub;
use crate::model::Result;

/// A job that is being aborted: unless it is refused, an end of it that is not known to be another one is that.
pub struct Abort {
    jobs: Arc<DomainJobs>,
    name: String,
}

impl Abort {
    /// What works on a disk, which is given by its target or by its source.
    ///
    /// # Errors
    /// What libvirt says of the handle.
    pub fn on_disk(domain: &RealDomain, disk: &str) -> Result<Vec<Abort>> {
        Abort::of(domain, |jobs| {
            let on = |tracked: &super::domain::Tracked| tracked.disk == disk || tracked.images.first().is_some_and(|image| image == disk);
            jobs.ties.lock().tracked.iter().filter(|(_, tracked)| on(tracked)).map(|(name, _)| name.clone()).collect()
        })
    }

    /// What the domain itself does.
    ///
    /// # Errors
    /// What libvirt says of the handle.
    pub fn of_domain(domain: &RealDomain) -> Result<Vec<Abort>> {
        Abort::of(domain, |jobs| {
            let ties = jobs.ties.lock();
            let backup = ties.backup.as_ref().map(|backup| &backup.name);
            ties.chief.as_ref().map(|chief| &chief.name).into_iter().chain(backup).cloned().collect()
        })
    }

    fn of(domain: &RealDomain, find: impl FnOnce(&DomainJobs) -> Vec<String>) -> Result<Vec<Abort>> {
        let jobs = Hub::of(&domain.connect()?)?.domain(&domain.identity()?);
        let mut aborts = Vec::new();
        for name in find(&jobs) {
            if jobs.ties.lock().aborted.insert(name.clone()) {
                aborts.push(Abort { jobs: jobs.clone(), name });
            }
        }
        Ok(aborts)
    }

    /// It goes on.
    pub fn refused(self) {
        self.jobs.ties.lock().aborted.remove(&self.name);
    }
}

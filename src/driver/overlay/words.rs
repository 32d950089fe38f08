//! libvirt's words for jobs, in the engine's terms: ids that it gives QEMU's jobs, the older calls' numbers and parameters.

use super::disks::{image, DiskView};
use crate::job::{DiskTarget, JobConfig, MigrationStats, Outcome, Progress};
use crate::model::event::{block_status, block_type};
use crate::model::{JobType, Result, TypedParam, TypedValue};
use crate::xml::reader::parse;

/// How libvirt begins the ids of the jobs that it keeps track of, disk by disk.
const PREFIXES: [(&str, JobType); 3] = [("copy-", JobType::BlockCopy), ("pull-", JobType::BlockPull), ("commit-", JobType::BlockCommit)];
/// The same of one disk of a backup.
const BACKUP: &str = "backup-";

/// The type of job that libvirt gives such an id, and what follows: the disk, and the name of a node.
pub(super) fn tracked(id: &str) -> Option<(JobType, &str)> {
    PREFIXES.iter().find_map(|(prefix, kind)| Some((*kind, id.strip_prefix(prefix)?)))
}

/// Whether QEMU's job with this id is one disk of a backup of libvirt's.
pub(super) fn is_backup(id: &str) -> bool {
    id.strip_prefix(BACKUP).is_some_and(|rest| rest.contains("-libvirt-"))
}

/// What the domain does itself, if QEMU's job with this id is how libvirt has it done: with newer QEMUs it is so for
/// snapshots inside of images.
pub(super) fn part_of_own(id: &str) -> Option<JobType> {
    let (verb, _) = id.strip_prefix("internal-snapshot-")?.split_once('-')?;
    Some(match verb {
        "save" => JobType::Snapshot,
        "load" => JobType::SnapshotRevert,
        "delete" => JobType::SnapshotDelete,
        _ => return None,
    })
}

/// Whether QEMU's job with this id creates an image for libvirt; what follows is the name of a node.
pub(super) fn is_creation(id: &str) -> bool {
    id.starts_with("create-libvirt-")
}

/// The disk in what follows the type in an id: everything up to the node, whose name has two hyphens in it.
pub(super) fn disk_in(rest: &str) -> Option<&str> {
    Some(rest.split_once("-libvirt-")?.0).filter(|disk| !disk.is_empty())
}

/// The disk that a job of libvirt's with this id works on.
pub(super) fn disk_of(id: &str) -> Option<&str> {
    tracked(id).map(|(_, rest)| rest).or_else(|| id.strip_prefix(BACKUP)).and_then(disk_in)
}

/// Whether an id is the one that libvirt gives a job of this kind on a disk.
pub(super) fn is_on(id: &str, disk: &str, kind: JobType) -> bool {
    tracked(id).is_some_and(|(of, rest)| of == plain(kind) && disk_in(rest).unwrap_or(rest) == disk)
}

/// libvirt's number of the image whose node is in an id.
pub(super) fn index_in(id: &str) -> Option<u32> {
    id.rsplit_once("-libvirt-")?.1.split('-').next()?.parse().ok()
}

/// The id that libvirt gives QEMU's job on a disk, as far as its document tells.
pub(super) fn id_for(kind: JobType, disk: &DiskView) -> String {
    let word = PREFIXES.iter().find(|(_, of)| *of == plain(kind)).map_or("job-", |(prefix, _)| prefix);
    match disk.chain.first() {
        Some((_, index)) if *index > 0 && kind != JobType::BlockCommit => format!("{word}{}-libvirt-{index}-format", disk.target),
        _ => format!("{word}{}", disk.target),
    }
}

/// QEMU calls both kinds of commit the same.
pub(super) fn plain(kind: JobType) -> JobType {
    if kind == JobType::BlockCommitActive {
        JobType::BlockCommit
    } else {
        kind
    }
}

/// What is known of a job on a disk that somebody else started.
pub(super) fn config_of(id: &str, kind: JobType, disk: &DiskView) -> JobConfig {
    let mut config = JobConfig::on_disk(&disk.target);
    let mirror = disk.mirror.as_ref();
    match kind {
        JobType::BlockCopy => config.targets.extend(mirror.map(|mirror| mirror.target.clone())),
        JobType::BlockCommitActive => {
            config.top = Some(disk.target.clone());
            config.base = mirror.map(|mirror| mirror.target.path.clone()).filter(|path| !path.is_empty());
        }
        JobType::BlockCommit => {
            let index = index_in(id).filter(|index| disk.chain.iter().any(|(_, other)| other == index));
            config.top = index.map(|index| format!("{}[{index}]", disk.target));
        }
        _ => {}
    }
    config
}

/// Where a copy goes, by the `<disk>` document that asks for it.
pub fn copy_target(xml: &str) -> Option<String> {
    let document = parse(xml).ok()?.expect_name("disk").ok()?;
    Some(image(&document, None).path).filter(|path| !path.is_empty())
}

/// The type of a job with this id on a disk, where QEMU's word for it says less than libvirt's document.
pub(super) fn kind_on(kind: JobType, disk: &DiskView) -> JobType {
    match &disk.mirror {
        Some(mirror) if kind == JobType::BlockCommit && mirror.job == "active-commit" => JobType::BlockCommitActive,
        _ => kind,
    }
}

/// `virDomainBlockJobType`.
pub fn block_kind(number: i32) -> Option<JobType> {
    Some(match number {
        block_type::PULL => JobType::BlockPull,
        block_type::COPY => JobType::BlockCopy,
        block_type::COMMIT => JobType::BlockCommit,
        block_type::ACTIVE_COMMIT => JobType::BlockCommitActive,
        block_type::BACKUP => JobType::BlockBackup,
        _ => return None,
    })
}

/// How a job ended, by libvirt's status of it and what QEMU said before. Where somebody cancelled it at the monitor, libvirt
/// takes that for a failure.
pub(super) fn outcome(status: i32, said: Option<Outcome>) -> Option<Outcome> {
    Some(match (status, said) {
        (block_status::COMPLETED, _) => Outcome::Completed,
        (block_status::CANCELED, _) | (block_status::FAILED, Some(Outcome::Aborted)) => Outcome::Aborted,
        (block_status::FAILED, Some(Outcome::Failed(why))) => Outcome::Failed(why),
        (block_status::FAILED, _) => Outcome::Failed("the job failed; libvirt did not say why".to_owned()),
        _ => return None,
    })
}

/// The type of job that is the domain's own, by `virDomainJobOperation`.
pub fn operation_kind(params: &[TypedParam]) -> Option<JobType> {
    Some(match number(params, "operation")? {
        2 => JobType::Save,
        3 => JobType::Restore,
        4 => JobType::MigrationIn,
        5 => JobType::Migration,
        6 => JobType::Snapshot,
        7 => JobType::SnapshotRevert,
        8 => JobType::Dump,
        9 => JobType::BlockBackup,
        10 => JobType::SnapshotDelete,
        _ => return None,
    })
}

/// A number among the parameters, whatever its type.
pub(super) fn number(params: &[TypedParam], field: &str) -> Option<u64> {
    params.iter().find(|param| param.field == field).and_then(|param| match param.value {
        TypedValue::Int(value) => u64::try_from(value).ok(),
        TypedValue::UInt(value) => Some(u64::from(value)),
        TypedValue::LLong(value) => u64::try_from(value).ok(),
        TypedValue::ULLong(value) => Some(value),
        TypedValue::Boolean(value) => Some(u64::from(value)),
        _ => None,
    })
}

pub(super) fn string<'a>(params: &'a [TypedParam], field: &str) -> Option<&'a str> {
    params.iter().find(|param| param.field == field).and_then(|param| match &param.value {
        TypedValue::String(value) => Some(value.as_str()),
        _ => None,
    })
}

/// How far a domain's own job is.
pub(super) fn progress(kind: JobType, params: &[TypedParam]) -> Progress {
    let of = |total: &str, processed: &str| {
        let (end, current) = (number(params, total).unwrap_or(0), number(params, processed).unwrap_or(0));
        Progress { current, end, speed: None }
    };
    match kind {
        JobType::BlockBackup if number(params, "disk_total").is_some() => of("disk_total", "disk_processed"),
        JobType::BlockBackup => of("disk_temp_total", "disk_temp_used"),
        _ => of("data_total", "data_processed"),
    }
}

/// The figures of a job that moves the guest's memory; a dump that libvirt leaves to QEMU has the sizes alone.
pub(super) fn memory(params: &[TypedParam]) -> Option<MigrationStats> {
    let of = |field: &str| number(params, field);
    let or_zero = |field: &str| of(field).unwrap_or(0);
    Some(MigrationStats {
        memory_total: of("memory_total")?,
        memory_processed: or_zero("memory_processed"),
        memory_remaining: or_zero("memory_remaining"),
        memory_rate: or_zero("memory_bps"),
        pages_normal: or_zero("memory_normal"),
        pages_constant: or_zero("memory_constant"),
        dirty_rate: or_zero("memory_dirty_rate"),
        iteration: or_zero("memory_iteration"),
        downtime_ms: of("downtime"),
        setup_ms: of("setup_time"),
        page_size: or_zero("memory_page_size"),
        postcopy_requests: or_zero("memory_postcopy_requests"),
        throttle: or_zero("auto_converge_throttle"),
        compression: None,
    })
}

/// Whether a dump is one that QEMU cannot cancel: only those that are migrations underneath tell of pages.
pub(super) fn is_memory_only(params: &[TypedParam]) -> bool {
    number(params, "memory_total").is_some() && number(params, "memory_page_size").is_none()
}

/// How the domain's own job ended, by the older type in which its statistics were left and what they say.
pub(super) fn outcome_of_domain_job(kind: i32, params: &[TypedParam]) -> Outcome {
    match (kind, string(params, "errmsg")) {
        (_, Some("Operation canceled")) | (5, _) => Outcome::Aborted,
        (_, Some(why)) => Outcome::Failed(why.to_owned()),
        (4, None) => Outcome::Failed("the job failed; libvirt did not say why".to_owned()),
        _ if number(params, "success") == Some(0) => Outcome::Failed("the job failed; libvirt did not say why".to_owned()),
        _ => Outcome::Completed,
    }
}

/// What a backup was asked to do, from libvirt's document of it.
pub(super) fn backup_config(xml: &str) -> Result<JobConfig> {
    let document = parse(xml)?.expect_name("domainbackup")?;
    let mut config = JobConfig { incremental: document.child_text("incremental").map(str::to_owned), ..JobConfig::default() };
    config.options.extend(document.attr("mode").map(str::to_owned));
    let disks = document.child("disks");
    for disk in disks.into_iter().flat_map(|disks| disks.children_named("disk")).filter(|disk| disk.attr("backup") != Some("no")) {
        let Some(name) = disk.attr("name") else { continue };
        config.disks.push(name.to_owned());
        let element = disk.child("target").or_else(|| disk.child("scratch")).map(|_| image(disk, disk.attr("type")));
        let target = element.filter(|target| !target.path.is_empty());
        config.targets.extend(target.map(|target| DiskTarget { disk: name.to_owned(), ..target }));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_libvirts_tell_type_disk_and_image() {
        assert_eq!(tracked("copy-vda-libvirt-1-format").map(|(kind, _)| kind), Some(JobType::BlockCopy));
        assert_eq!(disk_of("copy-my-disk-libvirt-1-format"), Some("my-disk"));
        assert_eq!(disk_of("backup-vdb-libvirt-12-format"), Some("vdb"));
        assert_eq!(index_in("commit-vda-libvirt-3-format"), Some(3));
        assert!(is_backup("backup-vda-libvirt-2-format") && !is_backup("backup-mine"));
        assert_eq!(part_of_own("internal-snapshot-save-a-b"), Some(JobType::Snapshot));
        assert_eq!((part_of_own("internal-snapshot-x"), part_of_own("snapshot-save-a")), (None, None));
        assert!(is_creation("create-libvirt-5-format") && !is_creation("create-mine"));
        assert_eq!((tracked("job0"), disk_of("job0"), index_in("job0")), (None, None, None));
    }

    #[test]
    fn an_id_can_be_told_from_the_document() {
        let disk = DiskView { target: "vda".into(), chain: vec![("/i/a".into(), 2)], mirror: None };
        assert_eq!(id_for(JobType::BlockCopy, &disk), "copy-vda-libvirt-2-format");
        assert_eq!(id_for(JobType::BlockCommitActive, &disk), "commit-vda-libvirt-2-format");
        assert_eq!(id_for(JobType::BlockCommit, &disk), "commit-vda");
    }

    #[test]
    fn a_cancellation_at_the_monitor_is_an_abort() {
        let failed = block_status::FAILED;
        assert_eq!(outcome(failed, Some(Outcome::Aborted)), Some(Outcome::Aborted));
        assert_eq!(outcome(failed, Some(Outcome::Failed("full".into()))), Some(Outcome::Failed("full".into())));
        // A ready copy that libvirt aborts has completed, says QEMU.
        assert_eq!(outcome(block_status::CANCELED, Some(Outcome::Completed)), Some(Outcome::Aborted));
        assert_eq!(outcome(block_status::READY, None), None);
    }

    #[test]
    fn a_backup_is_described_disk_by_disk() {
        let xml = "<domainbackup mode='push'><disks><disk name='vda' backup='yes' type='file' index='3'><driver type='qcow2'/>\
                   <target file='/i/a.bak'/></disk><disk name='vdb' backup='no'/></disks></domainbackup>";
        let config = backup_config(xml).unwrap();
        assert_eq!((config.disks.as_slice(), config.options.as_slice()), (&["vda".to_owned()][..], &["push".to_owned()][..]));
        assert_eq!(config.targets[0].path, "/i/a.bak");
    }

    #[test]
    fn the_end_of_a_domains_job_is_read_from_its_statistics() {
        let params = |success, errmsg: Option<&str>| {
            let mut params = vec![TypedParam::new("success", TypedValue::Boolean(success))];
            params.extend(errmsg.map(|text| TypedParam::string("errmsg", text)));
            params
        };
        assert_eq!(outcome_of_domain_job(3, &params(true, None)), Outcome::Completed);
        assert_eq!(outcome_of_domain_job(3, &params(true, Some("Operation canceled"))), Outcome::Aborted);
        assert_eq!(outcome_of_domain_job(4, &params(false, Some("full"))), Outcome::Failed("full".into()));
    }
}

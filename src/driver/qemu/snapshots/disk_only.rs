//! Snapshots of disks alone: new images are opened beside the disks, and then put on top of all of them at once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{json, Value};

use super::{create, option};
use crate::driver::qemu::block::is_undecided;
use crate::driver::qemu::blockdev::{self, format_node, storage_node};
use crate::driver::qemu::copy::{describe_target, keep_private, virtual_size};
use crate::driver::qemu::disks::{Link, QemuDisk};
use crate::driver::qemu::domain::QemuDomain;
use crate::driver::qemu::nodes::nodes_of;
use crate::driver::qemu::translate::{number, text};
use crate::job::JobConfig;
use crate::model::disk::{Image, ImageKind};
use crate::model::{code, Error, JobType, Result};
use crate::qmp::CallError;
use crate::xml::snapshot::{Location, SnapshotDef};

/// A new image and the disk that it is to cover.
struct Overlay {
    disk: QemuDisk,
    image: Image,
    /// It is created here, unless it is to be used as it is.
    create: bool,
    /// Nothing was there before: what fails removes what it made.
    fresh: bool,
}

impl QemuDomain {
    /// Returns the name of the job, which has ended.
    pub(super) fn take_of_disks(self: &Arc<Self>, mut def: SnapshotDef, flags: u32) -> Result<String> {
        let _modify = self.changing_disks()?;
        let disks = self.align_disks(&mut def, flags)?;
        if flags & create::QUIESCE != 0 {
            return Err(Error::new(code::ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured"));
        }
        let mut overlays = overlays_of(&def, disks, flags & create::REUSE_EXT != 0);
        let job = self.begin_own(JobType::Snapshot, config_of(&def, &overlays, flags), flags)?;
        def.memory = Some((Location::No, None));
        let begun = self.begin_snapshot(&job, def, "disk-snapshot", flags);
        let opened = begun.and_then(|()| self.open_overlays(&job, &mut overlays));
        let taken = opened.and_then(|actions| match self.put_on_top(&overlays, actions) {
            Err(error) if is_undecided(&error) => Ok(Some(error)),
            decided => decided.map(|()| None),
        });
        if let Ok(Some(error)) = taken {
            let fresh = overlays.into_iter().filter(|overlay| overlay.fresh).map(|overlay| overlay.image.path);
            self.judge_when_answered(job, fresh.collect());
            return Err(error);
        }
        let taken = taken.map(drop);
        self.end_own(&job, &taken)?;
        taken.map(|()| job)
    }

    /// Opens all new images; returns what makes them the active ones.
    fn open_overlays(self: &Arc<Self>, job: &str, overlays: &mut [Overlay]) -> Result<Vec<Value>> {
        let bitmaps = self.call("query-block", json!({}))?;
        for at in 0..overlays.len() {
            if let Err(error) = self.open_overlay(job, at, &mut overlays[at]) {
                self.discard(&overlays[..at]);
                return Err(error);
            }
        }
        let mut actions = Vec::new();
        for overlay in overlays.iter() {
            actions.extend(self.bitmaps_of(overlay, &bitmaps));
            let snapshot = json!({ "node": overlay.disk.root()?, "overlay": format_node(overlay.image.index) });
            actions.push(json!({ "type": "blockdev-snapshot", "data": snapshot }));
        }
        Ok(actions)
    }

    /// In one step: either all disks have their new image or none.
    ///
    /// # Errors
    /// What QEMU says. Where [`is_undecided`], the images may be the guest's by now, or come to be.
    fn put_on_top(&self, overlays: &[Overlay], actions: Vec<Value>) -> Result<()> {
        let answer = self.monitor().and_then(|monitor| monitor.call("transaction", json!({ "actions": actions })));
        if let Err(CallError::Qmp { .. }) = &answer {
            self.discard(overlays);
        }
        Ok(answer.map(drop)?)
    }

    /// Bitmaps that record what is written go on doing so in the new image.
    fn bitmaps_of(&self, overlay: &Overlay, reply: &Value) -> Vec<Value> {
        let inner = self.inner.lock();
        let shown = inner.disks.shown(reply).find(|(disk, _)| disk.front.target == overlay.disk.front.target);
        let bitmaps = shown.and_then(|(_, inserted)| inserted.get("dirty-bitmaps")?.as_array()).into_iter().flatten();
        let is = |bitmap: &Value, key: &str| bitmap.get(key).and_then(Value::as_bool).unwrap_or(false);
        let kept = bitmaps.filter(|b| is(b, "persistent") && is(b, "recording") && !is(b, "inconsistent"));
        let action = |bitmap: &Value| {
            let (node, name) = (format_node(overlay.image.index), text(bitmap, "name")?);
            let data =
                json!({ "node": node, "name": name, "persistent": true, "disabled": false, "granularity": number(bitmap, "granularity") });
            Some(json!({ "type": "block-dirty-bitmap-add", "data": data }))
        };
        kept.filter_map(action).collect()
    }

    /// Creates an image, unless it is to be used as it is, and opens it with nothing below it.
    fn open_overlay(self: &Arc<Self>, job: &str, at: usize, overlay: &mut Overlay) -> Result<()> {
        let opened = self.create_file(job, overlay).and_then(|()| self.open_layers_of(job, at, overlay));
        if opened.is_err() && overlay.fresh {
            let _ = fs::remove_file(&overlay.image.path);
        }
        opened
    }

    fn open_layers_of(self: &Arc<Self>, job: &str, at: usize, overlay: &mut Overlay) -> Result<()> {
        let tuning = overlay.disk.front.tuning.clone();
        self.add_storage(&mut overlay.image, &tuning, |index| {
            let set = |config: &mut JobConfig| config.targets.iter_mut().skip(at).take(1).for_each(|target| target.index = index);
            self.update_jobs(|engine, out| engine.describe(job, set, out));
        })?;
        let node = blockdev::format(&overlay.image, None, &tuning, true, false);
        let opened = self.create_overlay(job, overlay).and_then(|()| self.call("blockdev-add", node));
        if opened.is_err() {
            self.close_nodes([storage_node(overlay.image.index)].into_iter());
        }
        opened.map(drop)
    }

    fn create_file(self: &Arc<Self>, job: &str, overlay: &Overlay) -> Result<()> {
        let image = &overlay.image;
        if !overlay.create || image.kind != ImageKind::File {
            return Ok(());
        }
        if let Some(Err(why)) = Path::new(&image.path).parent().map(fs::metadata) {
            return Err(Error::system(format!("failed to create image file '{}'", image.path), &why));
        }
        self.create_image(job, &overlay.disk, image, overlay.fresh, json!({ "driver": "file", "filename": image.path, "size": 0 }))?;
        if overlay.fresh {
            keep_private(&image.path);
        }
        Ok(())
    }

    fn create_overlay(self: &Arc<Self>, job: &str, overlay: &Overlay) -> Result<()> {
        if !overlay.create {
            return Ok(());
        }
        let mut options = json!({
            "driver": overlay.image.format,
            "file": storage_node(overlay.image.index),
            "size": virtual_size(&overlay.disk)?,
            "backing-file": overlay.disk.source_path(),
        });
        let below = overlay.disk.links.first().map(|link| link.image.format.as_str()).unwrap_or_default();
        if !below.is_empty() {
            options["backing-fmt"] = below.into();
        }
        self.create_image(job, &overlay.disk, &overlay.image, overlay.fresh, options)
    }

    /// Closes images that were not put on top, and removes what was made for nothing.
    fn discard(&self, overlays: &[Overlay]) {
        for overlay in overlays {
            self.close_nodes(nodes_of(&[Link::own(overlay.image.clone())]));
            if overlay.fresh {
                let _ = fs::remove_file(&overlay.image.path);
            }
        }
    }
}

fn overlays_of(def: &SnapshotDef, disks: Vec<QemuDisk>, reuse: bool) -> Vec<Overlay> {
    let external = def.disks.iter().zip(disks).filter(|(part, _)| part.location == Some(Location::External));
    let overlay = |(part, disk): (&crate::xml::snapshot::SnapshotDisk, QemuDisk)| {
        let path = part.path.clone().unwrap_or_default();
        let fresh = !reuse && part.kind == ImageKind::File && !Path::new(&path).exists();
        let image = Image { kind: part.kind, path, format: part.format.clone().unwrap_or_default(), index: 0 };
        Overlay { disk, image, create: !reuse, fresh }
    };
    external.map(overlay).collect()
}

fn config_of(def: &SnapshotDef, overlays: &[Overlay], flags: u32) -> JobConfig {
    let mut options = vec![option::DISK_ONLY.to_owned()];
    if flags & create::REUSE_EXT != 0 {
        options.push(option::REUSE.to_owned());
    }
    JobConfig {
        disks: overlays.iter().map(|overlay| overlay.disk.front.target.clone()).collect(),
        targets: overlays.iter().map(|overlay| describe_target(&overlay.disk, &overlay.image)).collect(),
        snapshot: def.name.clone(),
        options,
        ..JobConfig::default()
    }
}

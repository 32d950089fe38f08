//! What moves a guest's memory: save, restore and dump, migration out and in.

#[allow(dead_code)]
mod save_image;

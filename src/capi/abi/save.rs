//! Section `save`: saving, restoring and dumping a domain.

/// Flags of the calls that save and restore a domain.
#[repr(C)]
pub enum _virDomainSaveRestoreFlags {
    /// Keep the image out of the host cache.
    VIR_DOMAIN_SAVE_BYPASS_CACHE = 1 << 0,
    /// Have the domain run after restore.
    VIR_DOMAIN_SAVE_RUNNING = 1 << 1,
    /// Have it paused after restore.
    VIR_DOMAIN_SAVE_PAUSED = 1 << 2,
    /// Start with fresh NVRAM.
    VIR_DOMAIN_SAVE_RESET_NVRAM = 1 << 3,
}
pub type virDomainSaveRestoreFlags = _virDomainSaveRestoreFlags;

/// Flags of virDomainSaveImageGetXMLDesc.
#[repr(C)]
pub enum _virDomainSaveImageXMLFlags {
    VIR_DOMAIN_SAVE_IMAGE_XML_SECURE = 1 << 0,
}
pub type virDomainSaveImageXMLFlags = _virDomainSaveImageXMLFlags;

/// Flags of the calls that dump memory.
#[repr(C)]
pub enum _virDomainCoreDumpFlags {
    /// Kill the domain afterwards.
    VIR_DUMP_CRASH = 1 << 0,
    /// Let the guest run meanwhile.
    VIR_DUMP_LIVE = 1 << 1,
    /// Keep the file out of the host cache.
    VIR_DUMP_BYPASS_CACHE = 1 << 2,
    /// Reset the domain afterwards.
    VIR_DUMP_RESET = 1 << 3,
    /// Memory alone, as an ELF file, without device state.
    VIR_DUMP_MEMORY_ONLY = 1 << 4,
}
pub type virDomainCoreDumpFlags = _virDomainCoreDumpFlags;

/// Formats of a memory-only dump.
#[repr(C)]
pub enum _virDomainCoreDumpFormat {
    VIR_DOMAIN_CORE_DUMP_FORMAT_RAW = 0,
    VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB = 1,
    VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO = 2,
    VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY = 3,
    VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP = 4,
    #[cfg(VIR_ENUM_SENTINELS)]
    VIR_DOMAIN_CORE_DUMP_FORMAT_LAST,
}
pub type virDomainCoreDumpFormat = _virDomainCoreDumpFormat;

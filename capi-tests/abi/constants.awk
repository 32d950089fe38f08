# Lists the constants of the headers: VALUE(NAME) for numbers, STRING(NAME) for string macros.
# Sentinels are left out: they grow with every release of libvirt.

/^#if defined\(VIR_ENUM_SENTINELS\)/ { sentinel = 1 }
/^#endif/ { sentinel = 0 }
/^enum / { in_enum = 1 }
/^};/ { in_enum = 0 }
in_enum && !sentinel && match($0, /^ +VIR_[A-Z0-9_a-z]+/) { print "VALUE(" $1 ")" }
/^#define VIR_[A-Za-z0-9_]+ "/ { print "STRING(" $2 ")" }
/^#define VIR_[A-Za-z0-9_]+ [0-9(]/ { print "VALUE(" $2 ")" }

# Building is cargo's business; this installs the results and names the chores.
#
#   make                build the library and the command line tool
#   make install        PREFIX=/usr/local, DESTDIR=, LIBDIR=, INCLUDEDIR=, BINDIR=, DATADIR=, PYTHONDIR=
#   make uninstall      the same variables
#   make dropin         build the drop-in libvirt.so.0, for machines without libvirt
#   make install-dropin the same variables, and DROPINDIR=LIBDIR/virt-jobs, where only those find it who look there
#   make uninstall-dropin
#   make headers        bring include/ up to date with the Rust sources
#   make ctest          build and run the tests in C (capi-tests/)
#   make demo           build, and show jobs on the built-in test hypervisor
#   make check          every check there is (scripts/check.sh); STEPS= for some of them
#   make check-matrix   what meets libvirt and QEMU, on libvirt 11.3 with QEMU 10.0, which are unpacked below target/
#   make soak           the campaigns at 200 random moments each; VIRT_JOBS_SOAK= for another number, VIRT_JOBS_SEED= to repeat one
#   make fuzz           each reader of untrusted input for FUZZ_SECONDS=60 (scripts/fuzz.sh); TARGETS= for some of them
#   make bench          what is fast, measured beside its floor (scripts/bench.sh)

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
DROPINDIR ?= $(LIBDIR)/virt-jobs
DESTDIR ?=
# Where Python looks for modules; by default what the system's own has below PREFIX. "no" installs none.
PYTHONDIR ?=

CARGO ?= cargo
CARGO_TARGET_DIR ?= target
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
BUILT = $(CARGO_TARGET_DIR)/release
CTEST_DIR ?= build-ctest

# scripts/install.sh reads them; other recipes must not hand them on to a make of their own.
INSTALLS = install uninstall install-dropin uninstall-dropin
$(INSTALLS): export BUILT := $(BUILT)
$(INSTALLS): export VERSION := $(VERSION)
$(INSTALLS): export DESTDIR := $(DESTDIR)
$(INSTALLS): export PREFIX := $(PREFIX)
$(INSTALLS): export BINDIR := $(BINDIR)
$(INSTALLS): export LIBDIR := $(LIBDIR)
$(INSTALLS): export INCLUDEDIR := $(INCLUDEDIR)
$(INSTALLS): export DATADIR := $(DATADIR)
$(INSTALLS): export DROPINDIR := $(DROPINDIR)
$(INSTALLS): export PYTHONDIR := $(PYTHONDIR)
export CARGO_TARGET_DIR

.PHONY: all build dropin $(INSTALLS) headers ctest demo check check-matrix soak fuzz bench
all: build

build:
	$(CARGO) build --release

install:
	@test -e $(BUILT)/libvirt_jobs.so || { echo "run 'make' first" >&2; exit 1; }
	scripts/install.sh install

uninstall:
	scripts/install.sh uninstall

dropin: build
	mkdir -p $(BUILT)/dropin
	scripts/link-dropin.sh $(BUILT)/libvirt_jobs.a $(BUILT)/dropin/libvirt.so.0

install-dropin:
	@test -e $(BUILT)/dropin/libvirt.so.0 || { echo "run 'make dropin' first" >&2; exit 1; }
	scripts/install.sh install dropin

uninstall-dropin:
	scripts/install.sh uninstall dropin

headers:
	VIRT_JOBS_REFRESH_HEADERS=1 $(CARGO) test --quiet --test header_drift committed

ctest: build
	cmake -S capi-tests -B $(CTEST_DIR) -DVIRT_JOBS_LIB=$(abspath $(BUILT)/libvirt_jobs.so)
	cmake --build $(CTEST_DIR)
	ctest --test-dir $(CTEST_DIR) --output-on-failure

demo:
	$(CARGO) run --locked -- demo

check:
	scripts/check.sh $(STEPS)

check-matrix:
	scripts/check.sh format deps build matrix

soak: export VIRT_JOBS_SOAK ?= 200
soak:
	$(CARGO) test --locked --no-fail-fast -- campaign --nocapture --test-threads=1

fuzz: export FUZZ_SECONDS ?= 60
fuzz:
	scripts/fuzz.sh $(TARGETS)

bench:
	scripts/bench.sh

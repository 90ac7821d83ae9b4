# SPDX-License-Identifier: Apache-2.0
# The front door. Meson does the work; every target first gets what it needs (tools/setup) and says so.

MESON = meson
JOBS  = $(shell nproc)

# A build directory for every kind of build, so that changing between them rebuilds nothing.
ifneq ($(filter command% environment%,$(origin CC)),)
export CC
KIND := -$(notdir $(firstword $(CC)))
endif
ifdef SANITIZE
KIND := $(KIND)-asan
SETUP_OPTIONS = -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fno-sanitize-recover=all
endif
ifdef WDF_INCLUDE
KIND := $(KIND)-wdf
WDF_OPTION := "-Dwdf_include=$(shell realpath -m -- "$(WDF_INCLUDE)")"
SETUP_OPTIONS += $(WDF_OPTION)
endif
ifdef VALGRIND
export VALGRIND
endif
BUILD = build$(KIND)

help:
	@echo 'make demo       set up, build, and show it all working: stock QEMU, a real kernel, a virtual device'
	@echo 'make test       set up, build, and run every test (SANITIZE=1: under ASan and UBSan; VALGRIND=1: under valgrind)'
	@echo 'make build      set up what compiling needs, and compile'
	@echo 'make bench      measure, and print the table'
	@echo 'make soak       the long tests: fuzzing and endurance'
	@echo 'make install    install, under /usr/local or PREFIX=DIRECTORY (DESTDIR is honoured)'
	@echo 'make clean      remove what was compiled; make distclean: what was fetched, too'
	@echo 'CC=clang with any of them builds with clang.'
	@echo 'WDF_INCLUDE=DIRECTORY takes the KMDF headers of a Windows Driver Kit for the Windows drivers (docs/windows.md).'

build: setup-build compile

demo: setup compile
	@tools/demo $(BUILD)

test: setup compile
	@tools/test $(BUILD)

bench: setup compile
	@tools/bench $(BUILD)

soak: setup compile
	@tools/soak $(BUILD)

install: build
	$(if $(PREFIX),$(MESON) configure $(BUILD) --prefix=$(abspath $(PREFIX)))
	$(MESON) install -C $(BUILD)

setup:
	@tools/setup

setup-build:
	@tools/setup build

compile:
	@test -e $(BUILD)/build.ninja || $(MESON) setup $(SETUP_OPTIONS) $(BUILD)
	$(if $(WDF_INCLUDE),@$(MESON) configure $(WDF_OPTION) $(BUILD))
	@ninja -C $(BUILD) -j $(JOBS)

clean:
	rm -rf $(filter-out build-tools,$(wildcard build build-*))

distclean: clean
	rm -rf build-tools

.PHONY: help build demo test bench soak install setup setup-build compile clean distclean
.NOTPARALLEL:

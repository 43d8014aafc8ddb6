# pinfold: one file, read downwards. A room is a folder under src/, a binary is a list of rooms:
# what a binary does not link it cannot do, so these lists are the privilege map.
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DEFAULT_GOAL := all
SHELL := /bin/bash

ifeq ($(origin CC),default)
CC     := gcc
endif
FLAVOUR ?=
B      := build$(if $(FLAVOUR),/$(FLAVOUR))
PREFIX ?= /usr/local
DESTDIR ?=
STATE  ?= /var/lib/pinfold
LISTEN ?= 127.0.0.1:7070
Q      := $(if $(V),,@)
JOBS   := -j$(shell nproc)

# --- the privilege map -----------------------------------------------------------------------
ROOMS_pinfoldd         := pinfoldd conf policy confine base
ROOMS_pinfold-server   := server api/v1 api/sandboxed_sh api/codecloud api/abbado api/open_commander api/dialect core agent store image profile http json conf confine secret crypt repo policy wire record run base
ROOMS_pinfold-launcher := launcher box stage strata filter profile confine conf policy wire run base
ROOMS_pinfold-egress   := egress secret crypt policy peek confine conf wire run base
ROOMS_pinfold-git      := git repo confine base
ROOMS_pinfold-init     := init birth stage keep who wire run base
ROOMS_pinfold-tool     := tool files record base
ROOMS_pinfold          := cli box stage strata filter image agent profile conf policy crypt json wire run base

LIBS_pinfoldd         := libseccomp
LIBS_pinfold-server   := libh2o-evloop openssl yajl sqlite3 libsodium libseccomp
LIBS_pinfold-launcher := libseccomp libcap libnl-route-3.0 libnftables
LIBS_pinfold-egress   := libcares openssl libsodium libseccomp
LIBS_pinfold-git      := libgit2 libseccomp
LIBS_pinfold-init     :=
LIBS_pinfold-tool     :=
LIBS_pinfold          := libseccomp libcap libnl-route-3.0 libnftables yajl libsodium
# wslay has no pkg-config file; h2o needs it for WebSocket
EXTRA_pinfold-server  := -lwslay -lm -lpthread

BINARIES := pinfoldd pinfold-server pinfold-launcher pinfold-egress pinfold-git pinfold-init pinfold-tool pinfold
STATIC   := pinfold-init pinfold-tool

# --- packages: the only list of what is needed from Debian -------------------------------------
DEPS_BUILD := gcc libc6-dev musl-tools binutils pkg-config libh2o-evloop-dev libssl-dev libwslay-dev \
  libyajl-dev libsqlite3-dev libsodium-dev libseccomp-dev libcap-dev libnl-route-3-dev \
  libnftables-dev libgit2-dev libcurl4-openssl-dev libc-ares-dev
DEPS_RUN := e2fsprogs curl mmdebstrap ca-certificates arch-install-scripts pacman-package-manager makepkg \
  archlinux-keyring gpg gpg-agent distro-info-data
DEPS_CHECK := perl clang clang-format libclang-rt-14-dev libstdc++-12-dev git jq python3 nodejs strace \
  bubblewrap runc qemu-system-x86 busybox-static cpio kmod iproute2 dpkg-dev cmake openssl linux-perf systemd

# --- flags -----------------------------------------------------------------------------------
# libnl's headers are the only ones outside the compiler's own path
CPPFLAGS_ALL := -Iinclude $(shell pkg-config --cflags libnl-route-3.0 2>/dev/null) -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -D_FORTIFY_SOURCE=2 $(CPPFLAGS)
WARN   := -Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes \
          -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wno-format-nonliteral -Wimplicit-fallthrough
ifdef DEVELOPER
WARN   += -Werror -Wnull-dereference -Wdouble-promotion
endif
# The OpenSSF compiler hardening guide's list for C, as far as gcc 12 and clang 14 know it.
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fno-strict-aliasing \
          -fno-delete-null-pointer-checks
CFLAGS ?= -O2 -g
CFLAGS_ALL := -std=gnu17 $(WARN) $(HARDEN) -fPIE $(CFLAGS)
LDFLAGS_ALL := -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)
ifeq ($(FLAVOUR),asan)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -U_FORTIFY_SOURCE
endif
ifeq ($(FLAVOUR),ubsan)
SANITIZE := -fsanitize=undefined -fno-sanitize-recover=undefined
endif
ifeq ($(FLAVOUR),fuzz)
SANITIZE := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE
endif
CC := $(if $(filter clang fuzz,$(FLAVOUR)),clang,$(CC))
CFLAGS_ALL  += $(SANITIZE)
LDFLAGS_ALL += $(SANITIZE)

# --- rules -----------------------------------------------------------------------------------
ROOMS := $(sort $(foreach b,$(BINARIES),$(ROOMS_$(b))))
room_obj = $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/$(1)/*.c))
room_lib = $(B)/lib/$(subst /,_,$(1)).a
DATA := $(B)/share/pinfold

all: $(BINARIES:%=$(B)/bin/%) $(DATA)/profiles $(DATA)/images ## build the binaries into build/bin

# Binaries find profiles and images beside themselves, in the build tree as when installed.
$(DATA)/%:
	@mkdir -p $(@D)
	$(Q)ln -sfn $(CURDIR)/$* $@

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

define room_rule
$(call room_lib,$(1)): $(call room_obj,$(1))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

# The first room of a binary is linked whole (it holds main), the others as far as used.
define binary_rule
$(B)/bin/$(1): $(foreach r,$(ROOMS_$(1)),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	@echo "  LD $(1)"
	$$(Q)$$(CC) -pie $$(LDFLAGS_ALL) -o $$@ $(if $(SANITIZE),tests/lib/sanitize.c) \
	  -Wl,--whole-archive $(call room_lib,$(firstword $(ROOMS_$(1)))) -Wl,--no-whole-archive \
	  -Wl,--start-group $(foreach r,$(wordlist 2,99,$(ROOMS_$(1))),$(call room_lib,$(r))) -Wl,--end-group \
	  $(if $(LIBS_$(1)),$$$$(pkg-config --libs $(LIBS_$(1)))) $(EXTRA_$(1))
endef
# The static ones are built on musl: the start of a program on glibc asks the processor 41 questions,
# which in a virtual machine cost more than the rest of its start, and touches three times the pages.
# musl brings no headers of the kernel: its own directory shows those of Debian, and nothing else.
S := $(B)/static
STATIC_FLAGS = $(filter-out -fPIE $(SANITIZE),$(CFLAGS_ALL)) -fno-pie -ffunction-sections -fdata-sections -Iinclude -isystem $(S)/include -D_GNU_SOURCE
$(S)/include:
	@mkdir -p $@
	$(Q)ln -sfn /usr/include/linux /usr/include/asm-generic /usr/include/$$(gcc -print-multiarch)/asm $@
$(S)/obj/%.o: src/%.c | $(S)/include
	@mkdir -p $(@D)
	@echo "  CC $< (static)"
	$(Q)musl-gcc $(STATIC_FLAGS) -MMD -MP -c $< -o $@
static_obj = $(patsubst src/%.c,$(S)/obj/%.o,$(wildcard src/$(1)/*.c))
define static_rule
$(B)/bin/$(1): $(foreach r,$(ROOMS_$(1)),$(call static_obj,$(r)))
	@mkdir -p $$(@D)
	@echo "  LD $(1)"
	$$(Q)musl-gcc -static -no-pie -Wl,--gc-sections $$(filter-out $$(SANITIZE),$$(LDFLAGS_ALL)) -o $$@ $$^
endef
$(foreach b,$(BINARIES),$(eval $(call $(if $(filter $(b),$(STATIC)),static,binary)_rule,$(b))))

# --- tests -----------------------------------------------------------------------------------
# A unit test is one program, linked with its room, what the include table allows that, and crypt.
UNIT_ROOMS := $(patsubst tests/unit/%/,%,$(sort $(dir $(wildcard tests/unit/*/test_*.c tests/unit/api/*/test_*.c))))
UNIT_BIN := $(foreach r,$(UNIT_ROOMS),$(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/$(r)/test_*.c)))
UNIT_PKGS := $(filter-out libgit2 libcares,$(sort $(foreach b,$(BINARIES),$(LIBS_$(b)))))
UNIT_LINK = -Wl,--as-needed -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $$(pkg-config --libs $(UNIT_PKGS)) -lwslay -lm -lpthread
$(B)/needs.mk: src/README.md
	@mkdir -p $(@D)
	$(Q)awk -F'|' 'NF == 5 && $$2 !~ /room|---/ { gsub(/[ \t]/, "", $$2); print "NEEDS_" $$2 " :=" $$3 }' $< >$@
-include $(B)/needs.mk
needs = $(sort $(1) $(foreach n,$(NEEDS_$(1)),$(call needs,$(n))))
define unit_rule
$(B)/tests/$(1)/%: tests/unit/$(1)/%.c $(foreach r,$(filter-out server launcher egress init git tool pinfoldd cli,$(filter $(ROOMS),$(sort crypt base $(call needs,$(1))))),$(call room_lib,$(r)))
	@mkdir -p $$(@D)
	@echo "  CC $$<"
	$$(Q)$$(CC) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) -Wno-unused-result -Itests/lib -MMD -MP -pie $$(LDFLAGS_ALL) -o $$@ $$< $$(UNIT_LINK)
endef
$(foreach r,$(UNIT_ROOMS),$(eval $(call unit_rule,$(r))))

# Helpers of tests (probe, fakes, floors of the bench) are static: they run inside sandboxes too.
HELPERS := $(patsubst tests/%.c,$(B)/helpers/%,$(wildcard tests/probe/*.c tests/fake/*.c tests/bench/*.c))
HELPER_LIBS := $(foreach r,conf policy wire record run base,$(call room_lib,$(r)))
$(B)/helpers/%: tests/%.c $(if $(SANITIZE),,$(HELPER_LIBS))
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(if $(SANITIZE),$(MAKE) FLAVOUR= B=$(B)/plain $(B)/plain/helpers/$* && cp $(B)/plain/helpers/$* $@,\
	  $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -static $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(HELPER_LIBS) -Wl,--end-group)

# Fuzz targets are one file each: with clang's fuzzer for make fuzz, else over the inputs we keep.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_LIBS := $(foreach r,$(sort $(foreach n,json http repo wire profile image conf policy peek agent files crypt secret,$(call needs,$(n))) api/sandboxed_sh),$(call room_lib,$(r)))
$(B)/fuzz/%: tests/fuzz/fuzz_%.c $(if $(filter fuzz,$(FLAVOUR)),,tests/fuzz/replay.c) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer) -pie $(LDFLAGS_ALL) -o $@ $(filter %.c,$^) $(UNIT_LINK)
build-fuzz:
	$(Q)$(MAKE) $(JOBS) FLAVOUR=fuzz B=$(B)/fuzzer $(FUZZ:%=$(B)/fuzzer/fuzz/%)
fuzz: build-fuzz ## run each fuzz target for FUZZ_SECONDS=60 with clang's fuzzer
	$(Q)for f in $(FUZZ); do mkdir -p $(B)/fuzzer/corpus/$$f tests/fuzz/{corpus,regress}/$$f; \
	  $(B)/fuzzer/fuzz/$$f -max_total_time=$${FUZZ_SECONDS:-60} -artifact_prefix=tests/fuzz/regress/$$f/ $(B)/fuzzer/corpus/$$f tests/fuzz/{corpus,regress}/$$f || exit 1; done
check-fuzz: build-fuzz ## the same for FUZZ_SECONDS=5
	$(Q)PINFOLD_BIN=$(abspath $(B)/fuzzer/bin) $(RUN) tests/fuzz/search.t

# Each part runs alone; make check has them add their counts to $(TALLY).
export PINFOLD_BIN := $(abspath $(B)/bin)
export PINFOLD_HELPERS := $(abspath $(B)/helpers)
export CC FLAVOUR
RUN = tests/lib/run $(TALLY:%=--tally %) --name $@$(FLAVOUR:%=-%)
unit: $(UNIT_BIN) $(FUZZ:%=$(B)/fuzz/%) ## unit tests and known fuzz inputs: no rights, no time
	$(Q)$(RUN) $(UNIT_BIN) $(if $(FUZZ),tests/fuzz/replay.t)
lint: all ## format, include table, headers alone, banned functions, clang, generated documents
	$(Q)$(RUN) tests/check/lint.t tests/check/runner.t
links: all ## what each binary links, how hardened it is, documents made from tables
	$(Q)$(RUN) tests/check/links.t tests/check/docs.t
budget: ## lines per file, function, header and process
	$(Q)$(RUN) tests/check/budget.t
define part_rule
check-$(1): all $(HELPERS)
	$(Q)$$(RUN) $$(sort $$(wildcard tests/$(1)/*.t))
endef
PARTS := api cli box git image escape crash soak e2e vm
$(foreach p,$(PARTS),$(eval $(call part_rule,$(p))))
check-api: ## over HTTP
check-cli: ## the command pinfold
check-box: ## real sandboxes: each promise
check-image: ## real images, some from archives on loopback
check-escape: ## attempts that must fail
check-crash: ## killed processes, full disks; CRASH_KILLS= random kills under load, CRASH_SEED= again
check-soak: ## the same as soak, for a minute; in `make check` for SOAK_SECONDS, one client
check-git: ## repositories, hostile ones too
check-e2e: ## real projects, cloned, built and tested
check-vm: ## box and escape tests under Debian's own kernel, pure cgroup v2
asan-api ubsan-api: ## the API's tests, and those of abuse, with sanitizers in all but init and tool
	$(Q)$(MAKE) $(JOBS) FLAVOUR=$(@:-api=) B=$(B)/$(@:-api=) all
	$(Q)TEST_TIMEOUT=1200 $(MAKE) FLAVOUR=$(@:-api=) B=$(B)/$(@:-api=) check-api
asan ubsan: ## unit tests with sanitizers: asan has both, ubsan only its own
	$(Q)$(MAKE) $(JOBS) FLAVOUR=$@ B=$(B)/$@ unit

# Half of the time the tests of real sandboxes wait. What makes nothing on this host that they could see
# runs beside them on what they leave of the processors.
BESIDE := lint links budget unit check-vm asan check-fuzz
AHEAD  := $(filter-out $(BESIDE) check-soak,$(PARTS:%=check-%))
check-all: ## everything below, and what it comes to
	$(Q)rm -f build/tally* build/hurry && mkdir -p build
	$(Q)$(MAKE) $(JOBS) DEVELOPER=1 all $(HELPERS)
	$(Q)parts() { for part; do $(MAKE) -k DEVELOPER=1 TALLY=build/tally $$part || echo "$$part" >>build/tally.failed; done; }; \
	  export CRASH_KILLS=$${CRASH_KILLS:-40} FUZZ_HURRY=$(abspath build/hurry); \
	  beside() { renice -n 19 $$BASHPID >/dev/null; parts "$$@"; }; \
	  (TEST_TIMEOUT=2400 VM_SECONDS=2000 beside $(BESIDE)) >build/beside.log 2>&1 & \
	  (SOAK_SECONDS=$(SOAK_SECONDS) SOAK_CLIENTS=1 TEST_TIMEOUT=1200 beside check-soak) >build/soak.log 2>&1 & \
	  parts $(AHEAD); touch build/hurry; wait; cat build/beside.log build/soak.log; tests/lib/run --total build/tally
check: deps-check ## install what tests need, build, run every test, end with the counts
	$(Q)$(MAKE) check-all

SOAK_SECONDS ?= 300
soak: ## use for SOAK_SECONDS that leaves nothing behind, in memory or on disk
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) TEST_TIMEOUT=$$(($(SOAK_SECONDS) * 2 + 300)) $(MAKE) check-soak
bench: all $(HELPERS) ## the numbers to reach, as ratios measured in one run
	$(Q)tests/bench/run

profile: all $(HELPERS) ## a flame graph of the exec path under load, build/profile/exec.svg
	$(Q)tests/bench/profile

# --- for users -------------------------------------------------------------------------------
define install_missing
	$(Q)missing=$$(for p in $(1); do dpkg-query -Wf '$${db:Status-Abbrev}\n' $$p 2>/dev/null | grep -q ^ii || echo $$p; done); \
	  test -z "$$missing" || { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $$missing; }
endef
deps: ## install what building and running needs
	$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN))
deps-check: ## install what the tests need as well
	$(call install_missing,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_CHECK))

up: deps ## install, build, make an image, start on LISTEN, show a first exec, serve
	$(Q)$(MAKE) $(JOBS) all
	$(Q)exec src/cli/up.sh $(B)/bin $(LISTEN) $(STATE)

profiles images: all ## check every profile, every image file
	$(Q)$(B)/bin/pinfold $(@:s=) check $@/*.$(@:s=)

$(B)/doc/%: $(B)/bin/pinfold $(B)/bin/pinfoldd
	@mkdir -p $(@D)
	$(Q)$(B)/bin/pinfold help --generate $* >$@
DOCS := pinfold.1 pinfold.conf.5 pinfoldd.8 pinfold.bash _pinfold pinfold.fish
I := $(DESTDIR)$(PREFIX)
install: all $(DOCS:%=$(B)/doc/%) ## into PREFIX, below DESTDIR
	install -d $(I)/bin $(I)/libexec/pinfold $(I)/share/pinfold/profiles/agents $(I)/share/pinfold/images $(I)/lib/systemd/system
	install -m 755 $(BINARIES:%=$(B)/bin/%) $(I)/libexec/pinfold
	ln -sfn ../libexec/pinfold/pinfold $(I)/bin/pinfold
	install -m 644 profiles/*.profile $(I)/share/pinfold/profiles
	install -m 644 profiles/agents/*.agent $(I)/share/pinfold/profiles/agents
	install -m 644 images/*.image $(I)/share/pinfold/images
	install -Dm 644 -t $(I)/share/pinfold/images/lib images/lib/*.sh
	sed 's|@PREFIX@|$(PREFIX)|' src/pinfoldd/pinfold.service.in >$(I)/lib/systemd/system/pinfold.service
	for s in 1 5 8; do install -Dm 644 -t $(I)/share/man/man$$s $(B)/doc/*.$$s; done
	install -Dm 644 $(B)/doc/pinfold.bash $(I)/share/bash-completion/completions/pinfold
	install -Dm 644 -t $(I)/share/zsh/site-functions $(B)/doc/_pinfold
	install -Dm 644 -t $(I)/share/fish/vendor_completions.d $(B)/doc/pinfold.fish

clean: ## remove build/
	rm -rf build
help: ## this table
	@grep -hE '^[a-z][a-z0-9 -]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

-include $(shell find $(B) -path $(B)/vm -prune -o -type f -name '*.d' -print 2>/dev/null)
.PHONY: all unit lint links budget asan ubsan asan-api ubsan-api check check-all $(PARTS:%=check-%) check-fuzz build-fuzz fuzz soak bench profile deps deps-check \
  up profiles images install clean help

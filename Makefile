# pinfold: one file, read downwards. A room is a folder under src/, a binary is a list of rooms:
# what a binary does not link it cannot do, so these lists are the privilege map.
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL := all

CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
FLAVOUR ?=
B      := build$(if $(FLAVOUR),/$(FLAVOUR))
PREFIX ?= /usr/local
DESTDIR ?=

# --- the privilege map -----------------------------------------------------------------------
ROOMS_pinfoldd         := pinfoldd conf confine base
ROOMS_pinfold-server   := server api/v1 api/sandboxed_sh core store image profile http json conf confine crypt repo wire record run base
ROOMS_pinfold-launcher := launcher box filter profile confine wire run base
ROOMS_pinfold-git      := git repo confine base
ROOMS_pinfold-init     := init wire run base
ROOMS_pinfold-tool     := tool files record base
ROOMS_pinfold          := cli box filter image profile conf crypt json wire run base

LIBS_pinfoldd         :=
LIBS_pinfold-server   := libh2o-evloop openssl yajl sqlite3 libsodium libseccomp
LIBS_pinfold-launcher := libseccomp libcap libnl-route-3.0 libnftables
LIBS_pinfold-git      := libgit2 libseccomp
LIBS_pinfold-init     :=
LIBS_pinfold-tool     :=
LIBS_pinfold          := libseccomp libcap libnl-route-3.0 libnftables yajl libsodium libcurl
# wslay has no pkg-config file; h2o needs it for WebSocket
EXTRA_pinfold-server  := -lwslay -lm -lpthread
EXTRA_pinfold-init    := -static
EXTRA_pinfold-tool    := -static

BINARIES := pinfoldd pinfold-server pinfold-launcher pinfold-git pinfold-init pinfold-tool pinfold
STATIC   := pinfold-init pinfold-tool

# --- flags -----------------------------------------------------------------------------------
CPPFLAGS_ALL := -Iinclude -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -D_FORTIFY_SOURCE=2 $(CPPFLAGS)
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
CFLAGS_ALL += -fsanitize=address -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address
CPPFLAGS_ALL += -U_FORTIFY_SOURCE
endif
ifeq ($(FLAVOUR),ubsan)
CFLAGS_ALL += -fsanitize=undefined -fno-sanitize-recover=undefined
LDFLAGS_ALL += -fsanitize=undefined
endif

# --- rules -----------------------------------------------------------------------------------
ROOMS := $(sort $(foreach b,$(BINARIES),$(ROOMS_$(b))))
room_src = $(wildcard src/$(1)/*.c)
room_obj = $(patsubst src/%.c,$(B)/obj/%.o,$(call room_src,$(1)))

all: $(BINARIES:%=$(B)/bin/%) ## build the binaries into build/bin

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

define room_rule
$(B)/lib/$(subst /,_,$(1)).a: $(call room_obj,$(1))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcsD $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

# The first room of a binary is linked whole (it holds main), the others as far as used.
define binary_rule
$(B)/bin/$(1): $(foreach r,$(ROOMS_$(1)),$(B)/lib/$(subst /,_,$(r)).a)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $(if $(filter $(1),$(STATIC)),,-pie) $$(LDFLAGS_ALL) -o $$@ -Wl,--whole-archive $(B)/lib/$(subst /,_,$(firstword $(ROOMS_$(1)))).a \
	  -Wl,--no-whole-archive -Wl,--start-group $(foreach r,$(wordlist 2,99,$(ROOMS_$(1))),$(B)/lib/$(subst /,_,$(r)).a) -Wl,--end-group \
	  $(if $(LIBS_$(1)),$$$$(pkg-config --libs $(LIBS_$(1)))) $(EXTRA_$(1))
endef
$(foreach b,$(BINARIES),$(eval $(call binary_rule,$(b))))

# A unit test is one program, linked with the room it is named after and what that room stands on.
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
ALL_LIBS := $(foreach r,$(filter-out server launcher init git tool pinfoldd cli,$(ROOMS)),$(B)/lib/$(subst /,_,$(r)).a)
ALL_PKGS := libh2o-evloop openssl yajl sqlite3 libsodium libseccomp libcap libnl-route-3.0 libnftables libgit2 libcurl
$(B)/tests/%: tests/unit/%.c $(ALL_LIBS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Itests/lib -MMD -MP -pie $(LDFLAGS_ALL) -o $@ $< \
	  -Wl,--start-group $(ALL_LIBS) -Wl,--end-group $$(pkg-config --libs $(ALL_PKGS)) -lwslay -lm -lpthread

unit: $(UNIT_BIN) ## unit tests: no rights, no time
	$(Q)prove --exec '' $(UNIT_BIN)

clean: ## remove build/
	rm -rf build

help: ## this table
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.PHONY: all unit clean help

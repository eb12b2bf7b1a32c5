# A thin front over the CMake presets.

CC_FILES = $(wildcard host/*.[ch] bindings/*.[ch] bindings/engines/*.[ch] spec/*.c spec/engine/*.[ch] spec/fuzz/*.[ch] bench/*.[ch])
FUZZ_SECONDS = 12
ROUNDS = 7
PREFIX = /usr/local
ENGINE =
ROWS =
COUNT =

help:
	@echo "make demo     install what is missing, build, and show scripts/finish_upload.lua: simulated, and for real"
	@echo "make test     install what is missing, and run every spec and test under sanitizers"
	@echo "make release  build/release/farside and build/release/farside.so"
	@echo "make install  libfarside for engines, and farside; PREFIX=/usr/local, DESTDIR=, ENGINE=-D options"
	@echo "make fuzz     build the fuzz targets and run each for FUZZ_SECONDS"
	@echo "make bench    measure beside Lua, luv, Node and others; ROUNDS=7, ROWS=a word in their names, COUNT=count"
	@echo "make growth   measure how cost grows with n, and draw it: bench/growth.svg"
	@echo "make lint     formatting, luacheck, and the warnings of both compilers"
	@echo "make format   format the C files"
	@echo "make clean    remove build/"

setup:
	@.ci/setup build

setup-engine:
	@.ci/setup engine
	@.ci/sources

setup-test:
	@.ci/setup test
	@.ci/sources test
	@.ci/typescript

setup-bench: setup-test
	@.ci/setup peer

release: setup
	@.ci/sources lua || echo "Lua is used as the system has it." >&2
	@cmake --preset release >/dev/null
	@cmake --build --preset release

# The engine's own sources: ENGINE="-D FARSIDE_LUA_DIR=… -D FARSIDE_UV_DIR=…". What
# was said the last time does not count.
install:
	@rm -f build/engine/CMakeCache.txt
	@[ -n "$(ENGINE)" ] || $(MAKE) --no-print-directory setup-engine
	@cmake --preset engine -D CMAKE_INSTALL_PREFIX=$(PREFIX) $(ENGINE) >/dev/null
	@cmake --build --preset engine
	@DESTDIR=$(DESTDIR) cmake --install build/engine

demo: release
	@cmake --build --preset release --target http_serve >/dev/null
	@scripts/demo build/release

test: setup-test release
	@.ci/test

fuzz: setup-test
	@cmake --preset fuzz -D FUZZ_SECONDS=$(FUZZ_SECONDS) >/dev/null
	@cmake --build --preset fuzz
	@ctest --preset fuzz

bench: setup-bench
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench >/dev/null
	@lua5.4 bench/run.lua build/bench/bench/farside_bench $(ROUNDS) "$(ROWS)" $(COUNT)

growth: setup-bench
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench >/dev/null
	@lua5.4 bench/growth.lua build/bench/bench/farside_bench $(ROUNDS)

lint: setup-test
	@.ci/lint

format:
	clang-format -i $(CC_FILES)

clean:
	rm -rf build build.luarocks

.PHONY: help setup setup-engine setup-test install release demo test fuzz bench growth lint format clean

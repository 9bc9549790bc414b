#!/bin/sh
# fuzz/rustc.sh RUSTC ARGUMENTS...
#
# The compiler, for cargo's RUSTC_WRAPPER. kylo and the fuzz targets get the coverage that libFuzzer steers by;
# dependencies stay as every other build has them, and are not built again.
case "${CARGO_PKG_NAME:-} $*" in
  *"--crate-name build_script_build"*) ;;
  "kylo "* | "kylo-fuzz "*)
    exec "$@" --cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
      -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
      -C llvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$@"

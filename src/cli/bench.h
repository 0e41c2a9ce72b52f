/* The benchmarks behind `trapline bench`, one function in a file of its own each; the table of them is in bench.c. */
#ifndef TRAPLINE_CLI_BENCH_H
#define TRAPLINE_CLI_BENCH_H

#include "cli/cli.h"

cli_command bench_fidelity;
cli_command bench_fidelity_guest;	/* what `bench fidelity` runs as its guest */
cli_command bench_files;
cli_command bench_files_guest;	/* what `bench files` runs as its guest */
cli_command bench_latency;
cli_command bench_latency_guest;	/* what `bench latency` runs as its guest */
cli_command bench_policy;

#endif

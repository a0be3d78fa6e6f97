// What the benchmark says: for people, for programs, and as a picture. Runs in: cli.
#pragma once

#include <string>

#include "cli/bench/experiment.h"
#include "cli/options.h"

namespace pairloom::cli {

struct Machine {
  std::string processor;                      // its name
  int physical_cores = 0, logical_cores = 0;  // that this process may use
  double cgroup_limit = 0;                    // CPUs; 0 = none
};
Machine describe_machine();

struct BenchContext {
  const WorkloadKind* kind = nullptr;
  Machine machine;
  std::string pictures;  // "drawn", or the directory
  uint32_t rounds = 0, most_workers = 0;
  bool stages = false;  // show where the workers' time goes
};

std::string human_report(const BenchContext& context, const BenchReport& report);
// A row for each measurement; csv has a header row, jsonl a header and a summary record.
std::string rows_report(const BenchContext& context, const BenchReport& report, OutputFormat format);
std::string svg_report(const BenchContext& context, const BenchReport& report);

}  // namespace pairloom::cli

// pairloom match --method sift|orb: which images hold the keypoints of a reference image? Runs in: cli, which is the
// supervisor then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/file_selection.h"
#include "cli/options.h"
#include "cli/session.h"
#include "jobs/match_job.h"

namespace pairloom::cli {

struct DescriptorMatching {
  std::string reference;
  FileSelection files;  // none named: the index's images
  jobs::MatchSetup setup;
  std::optional<uint32_t> max_features, min_matches;
  bool no_cross_check = false, geometry = false;
  double inlier_px = 3;
  double task_deadline_s = 30;
  OutputFormat format = OutputFormat::kHuman;
};

// The options in the group kDescriptorOptions.
inline constexpr const char* kDescriptorOptions = "With --method sift or orb";
void add_descriptor_options(CLI::App& app, DescriptorMatching& into);

Result<ExitCode> match_descriptors(const DescriptorMatching& options, Session& session);

}  // namespace pairloom::cli

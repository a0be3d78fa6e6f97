// Matching by descriptors: one worker describes the reference image, its descriptors go to every worker through the
// rings, and each image is compared with them where it is decoded. Only numbers come back. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/file_job.h"
#include "jobs/match_job.h"

namespace pairloom::daemon {

// A described reference image, as workers get it.
struct MatchReference {
  uint32_t keypoints = 0;
  std::vector<std::vector<std::byte>> sets;  // payloads of shm::RecordKind::kDescriptorSet: descriptors, points
  std::string warning;                       // of its decoder
};

// An error that names the file when it cannot be used.
Result<MatchReference> describe_reference(FileJobs& jobs, const std::string& path, const jobs::MatchSetup& setup);

struct MatchAnswer {
  Outcome outcome = Outcome::kUnreadable;  // kIndexed: matched
  std::string message;
  jobs::MatchResult result;
};
using MatchSink = std::function<Result<>(const std::string& path, const MatchAnswer& answer)>;

// `request` says which files; the rest of it is filled in here. The sink hears of every file, in order.
Result<FileJobSummary> match_descriptors(FileJobs& jobs, const MatchReference& reference, const jobs::MatchSetup& setup,
                                         FileJobRequest request, const MatchSink& sink, const RunObserver& observer);

}  // namespace pairloom::daemon

#include "daemon/descriptor_match.h"

#include <sys/stat.h>
#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "shm/records.h"

namespace pairloom::daemon {
namespace {

// Both reference sets and some chunks fit the ring at once; workers started to describe the reference stay on.
shm::LaneSizes lane_sizes(const jobs::MatchSetup& setup, uint32_t rows) {
  shm::LaneSizes sizes;
  sizes.down_bytes += uint64_t{rows} * (jobs::descriptor_bytes(setup.method) + 2 * sizeof(float));
  return sizes;
}

// The first of the sets in `bytes`, which is shortened by it.
Result<shm::DescriptorSetView> take_set(std::span<const std::byte>& bytes, std::vector<std::byte>& record) {
  shm::DescriptorSetHeader header;
  if (bytes.size() < sizeof header) return fail(Errc::kProtocol, "described image: cut off");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.rows > jobs::kMaxDescribedRows || header.columns > shm::kMaxDescriptorColumns)
    return fail(Errc::kProtocol, "described image: too many rows or columns");
  const auto type = static_cast<shm::ElementType>(header.element_type);
  if (type != shm::ElementType::kU8 && type != shm::ElementType::kF32)
    return fail(Errc::kProtocol, "described image: element type");
  const uint64_t set_bytes = shm::descriptor_set_bytes(header.rows, header.columns, type);
  if (bytes.size() < set_bytes) return fail(Errc::kProtocol, "described image: cut off");
  record.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(set_bytes));
  bytes = bytes.subspan(set_bytes);
  return shm::parse_descriptor_set(record);
}

Result<MatchReference> reference_from(std::span<const std::byte> body, const jobs::MatchSetup& setup) {
  MatchReference reference;
  reference.sets.resize(2);
  PAIRLOOM_ASSIGN(const auto descriptors, take_set(body, reference.sets[0]));
  PAIRLOOM_ASSIGN(const auto points, take_set(body, reference.sets[1]));
  const auto is = [&setup](const shm::DescriptorSetView& set, uint64_t id, shm::ElementType type, uint32_t columns) {
    return set.set_id == id && set.element_type == type && set.columns == columns &&
           set.detector == static_cast<uint32_t>(setup.method);
  };
  if (!is(descriptors, jobs::kDescriptorsSet, shm::ElementType::kU8, jobs::descriptor_bytes(setup.method)) ||
      !is(points, jobs::kPointsSet, shm::ElementType::kF32, 2) || points.rows != descriptors.rows || !body.empty())
    return fail(Errc::kProtocol, "described image: not what was asked for");
  reference.keypoints = descriptors.rows;
  return reference;
}

tl::unexpected<Error> unusable(const std::string& path, Errc code, const std::string& why) {
  return fail(code, fmt::format("cannot use '{}': {}", escape_for_terminal(path), escape_for_terminal(why)));
}

}  // namespace

Result<MatchReference> describe_reference(FileJobs& jobs, const std::string& path, const jobs::MatchSetup& setup) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
    return unusable(path, Errc::kInvalidArgument, "it is a directory; name one image to compare with");
  FileJobRequest request;
  request.kind = jobs::JobKind::kDescribe;
  request.setup = jobs::encode(setup);
  request.lane_sizes = lane_sizes(setup, setup.max_features);
  request.check = [&](std::span<const std::byte> body) -> Result<> {
    PAIRLOOM_TRY(reference_from(body, setup));
    return {};
  };
  request.paths = {path};
  std::optional<jobs::FileAnswer> answer;
  const auto sink = [&answer](const std::string&, jobs::FileAnswer given) -> Result<> {
    answer = std::move(given);
    return {};
  };
  std::string problem = "there is no such file";
  RunObserver observer;
  observer.problem = [&problem](const Problem& met) { problem = met.reason; };
  PAIRLOOM_ASSIGN(const auto summary, jobs.run(request, sink, observer));
  if (summary.interrupted) return fail(Errc::kInterrupted, "interrupted");
  if (!answer) return unusable(path, Errc::kCorrupt, problem);
  if (answer->outcome != Outcome::kIndexed)
    return unusable(path, Errc::kCorrupt,
                    answer->message.empty() ? std::string(name_of(answer->outcome)) : answer->message);
  PAIRLOOM_ASSIGN(auto reference, reference_from(answer->body, setup));
  reference.warning = std::move(answer->message);
  return reference;
}

Result<FileJobSummary> match_descriptors(FileJobs& jobs, const MatchReference& reference, const jobs::MatchSetup& setup,
                                         FileJobRequest request, const MatchSink& sink, const RunObserver& observer) {
  request.kind = jobs::JobKind::kMatch;
  request.setup = jobs::encode(setup);
  request.references = reference.sets;
  request.lane_sizes = lane_sizes(setup, std::max(setup.max_features, reference.keypoints));
  const auto result_in = [&](std::span<const std::byte> body) {
    return jobs::decode_match_result(body, setup, reference.keypoints);
  };
  request.check = [&](std::span<const std::byte> body) -> Result<> {
    PAIRLOOM_TRY(result_in(body));
    return {};
  };
  const auto told = [&](const std::string& path, jobs::FileAnswer answer) -> Result<> {
    MatchAnswer match{answer.outcome, std::move(answer.message), {}};
    if (answer.outcome == Outcome::kIndexed) {
      PAIRLOOM_ASSIGN(match.result, result_in(answer.body));
    }
    return sink(path, match);
  };
  return jobs.run(request, told, observer);
}

}  // namespace pairloom::daemon

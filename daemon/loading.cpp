#include "daemon/loading.h"

#include <fmt/format.h>
#include <cstring>
#include <utility>

#include "daemon/file_batch.h"

namespace pairloom::daemon {

Loading::Loading(std::vector<jobs::LoadTask> files, const jobs::LoadSetup& setup)
    : tasks_(std::move(files)), setup_(setup), files_(tasks_.size()) {
  for (jobs::LoadTask& task : tasks_) task.path = resolved_path(task.path);
}

std::vector<Loading::File> Loading::take_files() {
  std::vector<File> files;
  for (Arriving& file : files_) files.push_back({std::move(file.about), std::move(file.block)});
  return files;
}

Result<Job::Pull> Loading::pull(Task& task) {
  if (next_ == tasks_.size()) return Pull::kEnd;
  task.id = next_;
  task.payload = jobs::encode(tasks_[next_++]);
  return Pull::kTask;
}

Result<> Loading::accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) {
  Arriving& file = files_[task.id];
  if (origin.first) return begin(file, payload, origin.last);
  if (!file.filling) return fail(Errc::kProtocol, "pixels of a file that has none");
  const auto room = file.filling->bytes().subspan(static_cast<size_t>(file.filled_bytes));
  if (payload.size() > room.size()) return fail(Errc::kProtocol, "more pixels than were announced");
  if (!payload.empty()) std::memcpy(room.data(), payload.data(), payload.size());
  file.filled_bytes += payload.size();
  if (!origin.last) return {};
  if (payload.size() != room.size())
    return fail(Errc::kProtocol, fmt::format("{} bytes of pixels, {} were announced", file.filled_bytes,
                                             file.about.raster.bytes()));
  PAIRLOOM_ASSIGN(file.block, std::move(*file.filling).freeze());
  file.filling.reset();
  return {};
}

Result<> Loading::begin(Arriving& file, std::span<const std::byte> header, bool last) {
  file = {};  // of what an earlier attempt left
  PAIRLOOM_ASSIGN(file.about, jobs::decode_loaded(header, setup_));
  const bool has_pixels = file.about.outcome == Outcome::kIndexed;
  if (has_pixels == last) return fail(Errc::kProtocol, "a file's facts and its pixels do not belong together");
  if (!has_pixels) return {};
  PAIRLOOM_ASSIGN(file.filling, shm::WritableBlock::create(file.about.raster.bytes()));
  return {};
}

Result<> Loading::give_up(const Task& task, Outcome outcome, const std::string& reason) {
  Arriving& file = files_[task.id];
  file = {};
  file.about.outcome = outcome;
  file.about.message = reason;
  return {};
}

}  // namespace pairloom::daemon

// A worker that misbehaves on purpose, for the supervisor's tests. It speaks the real protocol over the real lane; what
// it does with a file is in the file's name. Files with other names get an honest result that depends only on the name.
//   crash..      abort                      crash-once..  abort the first time (leaves a marker beside the file)
//   exit..       exit(7)                    hang..        never comes back
//   lie-id..     result of another task     lie-outcome.. an outcome that does not exist
//   lie-codes..  no codes                   lie-length..  header and payload disagree
//   flood..      results without end        scribble..    overwrites its ring controls, then goes on
//   kill-self..  SIGKILL, as the kernel's OOM killer would
// In any job but indexing it answers as the jobs do that take a file a task (jobs/file_answer.h): the body is the file's
// name, repeated 50,000 times in two records for long.. files. Of crash.. and crash-once.. files the first record is sent.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/version.h"
#include "jobs/file_answer.h"
#include "jobs/index_job.h"
#include "jobs/job_kind.h"
#include "shm/channel.h"
#include "shm/records.h"

namespace {

using namespace pairloom;

uint64_t hash_of(std::string_view name, uint64_t salt) {
  uint64_t h = 1469598103934665603u ^ salt;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h ^ (h >> 29);
}

jobs::IndexResult honest_result(const std::string& path, std::string_view name, AlgorithmSet asked) {
  jobs::IndexResult result;
  result.outcome = Outcome::kIndexed;
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) {
    const auto ns = [](const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
    result.identity = {st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size), ns(st.st_mtim), ns(st.st_ctim)};
  }
  result.digest = {hash_of(name, 1), hash_of(name, 2)};
  result.image = {ImageFormat::kJpeg, 64, 64, 1, 100, 1, false, false, false};
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (!contains(asked, algorithm.id)) continue;
    Code code;
    for (size_t w = 0; w < algorithm.bits / 64u; ++w) code.words[w] = hash_of(name, 10 + w);
    result.codes.push_back({algorithm.id, code});
  }
  return result;
}

class Misbehaving {
 public:
  explicit Misbehaving(shm::WorkerChannel channel) : channel_(std::move(channel)) {}

  Result<> serve() {
    const shm::HelloHeader hello{shm::kLaneLayoutVersion, kBuildId, channel_.lane().generation(),
                                 static_cast<uint32_t>(::getpid()), 0};
    PAIRLOOM_TRY(channel_.push(static_cast<uint32_t>(shm::RecordKind::kHello), std::as_bytes(std::span(&hello, 1))));
    while (true) {
      PAIRLOOM_ASSIGN(const shm::Record record, channel_.wait_record());
      if (record.kind == static_cast<uint32_t>(shm::RecordKind::kJobSetup)) {
        shm::JobSetupHeader header;
        std::memcpy(&header, record.payload.data(), sizeof header);
        indexing_ = header.job == static_cast<uint32_t>(jobs::JobKind::kIndex);
        if (indexing_) {
          PAIRLOOM_ASSIGN(setup_, jobs::decode_index_setup(record.payload.subspan(sizeof header)));
        }
      } else {
        PAIRLOOM_ASSIGN([[maybe_unused]] const auto header,
                        shm::parse_chunk(record.payload, [this](const shm::TaskView& task) { return do_task(task); }));
      }
      PAIRLOOM_TRY(channel_.pop());
    }
  }

 private:
  Result<> do_task(const shm::TaskView& task) {
    channel_.state().current_task.store(task.task_id + 1);
    channel_.state().heartbeat.fetch_add(1);
    const std::string path(reinterpret_cast<const char*>(task.payload.data()), task.payload.size());
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::vector<std::byte> whole = indexing_ ? std::vector<std::byte>() : file_answer(name);
    const auto half = static_cast<ptrdiff_t>(whole.size() / 2);
    if (!indexing_) PAIRLOOM_TRY(send(task.task_id, {whole.begin(), whole.begin() + half}, false));
    PAIRLOOM_TRY(misbehave(path, name, task.task_id));
    PAIRLOOM_TRY(send(task.task_id, indexing_ ? jobs::encode(honest_result(path, name, setup_.algorithms))
                                              : std::vector<std::byte>(whole.begin() + half, whole.end())));
    channel_.state().current_task.store(0);
    channel_.state().tasks_done.fetch_add(1);
    return {};
  }

  Result<> misbehave(const std::string& path, const std::string& name, uint64_t task_id) {
    const auto is = [&](std::string_view prefix) { return name.starts_with(prefix); };
    if (is("crash-once")) {
      const std::string marker = path + ".crashed";
      if (::access(marker.c_str(), F_OK) == 0) return {};
      if (FILE* file = std::fopen(marker.c_str(), "w")) std::fclose(file);
      std::abort();
    }
    if (is("crash")) std::abort();
    if (is("exit")) std::exit(7);
    if (is("kill-self")) ::kill(::getpid(), SIGKILL);
    if (is("hang"))
      while (true) ::pause();
    if (is("lie-id")) return send(task_id + 1000, jobs::encode(honest_result(path, name, setup_.algorithms)));
    if (is("lie-outcome")) {
      jobs::IndexResult lie = honest_result(path, name, setup_.algorithms);
      lie.outcome = static_cast<Outcome>(99);
      return send(task_id, jobs::encode(lie));
    }
    if (is("lie-codes")) return send(task_id, jobs::encode(honest_result(path, name, 0)));
    if (is("lie-length")) {
      const shm::ResultHeader header{task_id, shm::kResultIsLast, 1u << 30, 1};
      return channel_.push(static_cast<uint32_t>(shm::RecordKind::kResult), std::as_bytes(std::span(&header, 1)));
    }
    if (is("flood"))
      while (true) PAIRLOOM_TRY(send(task_id, jobs::encode(honest_result(path, name, setup_.algorithms))));
    if (is("scribble")) {
      // Everything behind the lane's header page: worker state and both ring controls.
      auto* state = reinterpret_cast<std::byte*>(&channel_.state());
      std::memset(state + sizeof(shm::WorkerState), 0x5a, 256);
    }
    return {};
  }

  static std::vector<std::byte> file_answer(const std::string& name) {
    jobs::FileAnswer answer{Outcome::kIndexed, "", {}};
    const auto bytes = std::as_bytes(std::span(name));
    for (int n = name.starts_with("long") ? 50'000 : 1; n > 0; --n)
      answer.body.insert(answer.body.end(), bytes.begin(), bytes.end());
    return jobs::encode(answer);
  }

  Result<> send(uint64_t task_id, const std::vector<std::byte>& payload, bool last = true) {
    const shm::ResultHeader header{task_id, last ? shm::kResultIsLast : 0, static_cast<uint32_t>(payload.size()), 1000};
    std::vector<std::byte> record(sizeof header + payload.size());
    std::memcpy(record.data(), &header, sizeof header);
    std::memcpy(record.data() + sizeof header, payload.data(), payload.size());
    return channel_.push(static_cast<uint32_t>(shm::RecordKind::kResult), record);
  }

  shm::WorkerChannel channel_;
  bool indexing_ = true;
  jobs::IndexSetup setup_;
};

}  // namespace

int main(int argc, char** argv) {
  // As the supervisor writes it: --lane N --socket N --files N --cpu N --memory N.
  if (argc < 7) return 2;
  ::close(std::atoi(argv[6]));  // it wants no file opened
  auto lane = shm::Lane::open(Fd(std::atoi(argv[2])));
  if (!lane) return 2;
  const auto served = Misbehaving(shm::WorkerChannel(std::move(*lane), Fd(std::atoi(argv[4])))).serve();
  return served || served.error().code == Errc::kInterrupted ? 0 : 3;
}

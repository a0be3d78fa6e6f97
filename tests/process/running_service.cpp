#include "tests/process/running_service.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "daemon/index_run.h"
#include "index/index_reader.h"
#include "index/index_writer.h"

namespace pairloom::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(120);

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::map<std::string, std::string> files_in(const std::string& index) {
  std::map<std::string, std::string> files;
  auto reader = index::IndexReader::open(index);
  if (!reader) return files;
  static_cast<void>(reader->visit_files([&](const index::FileRow& row) -> Result<> {
    std::string what(name_of(row.outcome));
    if (row.content != 0) {
      const auto content = reader->content(row.content);
      if (content && *content) what += " " + std::to_string((*content)->digest.hi) + " " + std::to_string((*content)->size_bytes);
    }
    what += " " + std::to_string(row.identity.inode) + " " + std::to_string(row.identity.mtime_ns);
    files[row.path] = what;
    return {};
  }));
  return files;
}

// Pairs by the digests of both sides.
std::set<std::string> pairs_in(const std::string& index) {
  std::set<std::string> pairs;
  auto reader = index::IndexReader::open(index);
  if (!reader) return pairs;
  const auto digest = [&](index::ContentId id) { return std::to_string(reader->content(id).value()->digest.hi); };
  static_cast<void>(reader->visit_pairs(Algorithm::kPdq, 31, [&](const index::PairRow& pair) -> Result<> {
    std::string a = digest(pair.a), b = digest(pair.b);
    if (b < a) std::swap(a, b);
    pairs.insert(a + " " + b + " " + std::to_string(pair.distance));
    return {};
  }));
  return pairs;
}

}  // namespace

RunningService::RunningService() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = home_ / "notify";
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot bind the notification socket");
  watch_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  ::inotify_add_watch(watch_.get(), home_.path().c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE);
}

RunningService::~RunningService() = default;

void RunningService::write_config() const {
  std::string text = "index = \"" + index() + "\"\n" + settings;
  for (const std::string& root : roots) text += "[[root]]\n" + root + "\n";
  write_config(text);
}

void RunningService::write_config(const std::string& text) const {
  std::ofstream(config(), std::ios::binary) << text;
}

void RunningService::start() {
  write_config();
  forget();
  ::setenv("NOTIFY_SOCKET", (home_ / "notify").c_str(), 1);
  const std::string script = "exec \"$0\" --config \"$1\" 2>>\"$2\"";
  program_ = std::make_unique<Running>(
      std::vector<std::string>{"/bin/sh", "-c", script, PAIRLOOM_SERVICE, config(), home_ / "log"});
  ::unsetenv("NOTIFY_SOCKET");
  if (!says("READY=1")) throw std::runtime_error("pairloomd does not get ready: " + log());
}

int RunningService::stop() {
  program_->kill(SIGTERM);
  return program_->wait();
}

std::string RunningService::log() const {
  return text_of(home_ / "log");
}

void RunningService::forget() {
  listen(0);
  said_.clear();
  log_read_ = log().size();
}

void RunningService::listen(int timeout_ms) {
  std::array<pollfd, 2> fds{pollfd{notify_.get(), POLLIN, 0}, pollfd{watch_.get(), POLLIN, 0}};
  ::poll(fds.data(), fds.size(), timeout_ms);
  std::array<char, 65536> buffer;
  for (ssize_t n; (n = ::recv(notify_.get(), buffer.data(), buffer.size(), 0)) > 0;)
    said_.append(buffer.data(), static_cast<size_t>(n)).append("\n");
  while (::read(watch_.get(), buffer.data(), buffer.size()) > 0) {
  }
}

bool RunningService::until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (condition()) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0 || (program_ && program_->ends_within_ms(0))) return condition();
    listen(static_cast<int>(std::min<int64_t>(left, 1000)));
  }
}

bool RunningService::says(const std::string& text) {
  return until([&] { return said_.find(text) != std::string::npos || log().find(text, log_read_) != std::string::npos; });
}

std::map<std::string, std::string> RunningService::files() const {
  return files_in(index());
}

bool RunningService::equals_fresh_index_of(const std::vector<std::string>& directories) {
  const TempDir fresh;
  {
    auto writer = index::IndexWriter::open(fresh / "index.db", "test");
    daemon::IndexRequest request;
    request.roots = directories;
    request.pool.jobs = 2;
    request.pool.worker_program = PAIRLOOM_WORKER;
    const auto run = daemon::run_index(*writer, request, {});
    if (!run) throw std::runtime_error(run.error().message);
  }
  const auto expected = files_in(fresh / "index.db");
  const auto expected_pairs = pairs_in(fresh / "index.db");
  const bool equal = until([&] { return files() == expected && pairs_in(index()) == expected_pairs; });
  difference.clear();
  if (equal) return true;
  const auto found = files();
  for (const auto& [path, what] : expected)
    if (!found.contains(path) || found.at(path) != what)
      difference += "expected " + path + ": " + what + ", found " + (found.contains(path) ? found.at(path) : "nothing") + "\n";
  for (const auto& [path, what] : found)
    if (!expected.contains(path)) difference += "not expected: " + path + ": " + what + "\n";
  if (difference.empty()) difference = "other pairs";
  difference += "\nlog:\n" + log();
  return false;
}

uint64_t RunningService::decoded() const {
  uint64_t tasks = 0;
  auto reader = index::IndexReader::open(index());
  if (!reader) return 0;
  std::vector<index::RunId> runs;
  static_cast<void>(reader->visit_runs([&](const index::RunRow& run) -> Result<> {
    tasks += run.totals.indexed;
    return {};
  }));
  return tasks;
}

}  // namespace pairloom::test

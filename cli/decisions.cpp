#include "cli/decisions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/fd.h"
#include "base/text.h"
#include "cli/path_parsing.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

constexpr const char* kHeader = "{\"type\":\"header\",\"schema\":\"pairloom.decision/1\"}\n";

std::string digest_text(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.hi, digest.lo);
}

std::optional<Digest> digest_from_text(const std::string& text) {
  Digest digest;
  const auto read = [&](size_t from, uint64_t& into) {
    const char* end = text.data() + from + 16;
    const auto [stopped, error] = std::from_chars(text.data() + from, end, into, 16);
    return error == std::errc() && stopped == end;
  };
  if (text.size() != 32 || !read(0, digest.hi) || !read(16, digest.lo)) return std::nullopt;
  return digest;
}

Json key_record(const ContentKey& key) {
  return {{"digest", digest_text(key.digest)}, {"bytes", key.size_bytes}};
}

std::optional<ContentKey> key_from(const Json& record, const char* name) {
  const auto at = record.find(name);
  if (at == record.end() || !at->is_object()) return std::nullopt;
  const auto digest = at->find("digest"), bytes = at->find("bytes");
  if (digest == at->end() || !digest->is_string() || bytes == at->end() || !bytes->is_number_unsigned())
    return std::nullopt;
  const auto value = digest_from_text(digest->get<std::string>());
  if (!value) return std::nullopt;
  return ContentKey{*value, bytes->get<uint64_t>()};
}

std::string path_from(const Json& record, const char* name) {
  const auto at = record.find(name);
  return at == record.end() ? std::string() : path_from_json(*at).value_or("");
}

// The decision a line holds; empty for other records (header); an error text for what is neither.
Result<std::optional<Decision>> decision_from(const std::string& line) {
  const auto bad = [](const char* why) { return fail(Errc::kIndexCorrupt, why); };
  const Json record = Json::parse(line, nullptr, false);
  if (!record.is_object()) return bad("is no record of JSON");
  const auto type = record.find("type");
  if (type == record.end() || !type->is_string()) return bad("has no type");
  if (*type != "decision") return std::nullopt;
  Decision decision;
  const std::string word = record.value("decision", Json()).is_string() ? record["decision"].get<std::string>() : "";
  if (word != "not-dup" && word != "keep") return bad("holds a decision that is neither not-dup nor keep");
  decision.kind = word == "keep" ? Decision::Kind::kKeep : Decision::Kind::kNotDuplicates;
  const auto a = key_from(record, "a"), b = key_from(record, "b");
  if (!a || (!b && decision.kind == Decision::Kind::kNotDuplicates)) return bad("does not say of which contents");
  decision.a = *a;
  decision.path_a = path_from(record, "path_a");
  if (decision.kind == Decision::Kind::kKeep) {
    const auto files = record.find("files");
    if (files != record.end() && files->is_number_unsigned()) decision.files = files->get<uint64_t>();
    return decision;
  }
  if (*a == *b) return bad("calls a content no duplicate of itself");
  decision.b = *b;
  decision.path_b = path_from(record, "path_b");
  if (decision.b < decision.a) {
    std::swap(decision.a, decision.b);
    std::swap(decision.path_a, decision.path_b);
  }
  return decision;
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(fmt::format("cannot read '{}'", escape_for_terminal(path)), errno);
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

Result<> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path)), errno);
    text.remove_prefix(static_cast<size_t>(n));
  }
  if (::fsync(fd) != 0) return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path)), errno);
  return {};
}

// Opens the file and locks it against others who write. Who waited while it was replaced looks again.
Result<Fd> open_locked(const std::string& path) {
  while (true) {
    Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (!fd) return fail_errno(fmt::format("cannot open '{}'", escape_for_terminal(path)), errno);
    while (::flock(fd.get(), LOCK_EX) != 0)
      if (errno != EINTR) return fail_errno(fmt::format("cannot lock '{}'", escape_for_terminal(path)), errno);
    struct stat mine {}, present {};
    if (::fstat(fd.get(), &mine) == 0 && ::stat(path.c_str(), &present) == 0 && mine.st_ino == present.st_ino &&
        mine.st_dev == present.st_dev)
      return fd;
  }
}

}  // namespace

std::string_view name_of(Decision::Kind kind) {
  return kind == Decision::Kind::kKeep ? "keep" : "not-dup";
}

std::string decision_line(const Decision& decision) {
  Json record = {{"type", "decision"}, {"decision", name_of(decision.kind)}, {"a", key_record(decision.a)}};
  if (decision.kind == Decision::Kind::kNotDuplicates)
    record["b"] = key_record(decision.b);
  else
    record["files"] = decision.files;
  if (!decision.path_a.empty()) record["path_a"] = json_path(decision.path_a);
  if (!decision.path_b.empty()) record["path_b"] = json_path(decision.path_b);
  if (decision.time_ns != 0) record["time"] = utc_time(decision.time_ns);
  return json_line(record);
}

Result<Decisions> Decisions::parse(const std::string& text, const std::string& name) {
  Decisions decisions;
  uint64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto decision = decision_from(line);
    if (!decision && end == text.size()) break;  // torn
    if (!decision)
      return fail(Errc::kIndexCorrupt, fmt::format("line {} of '{}' {}; mend it, or take it out", number,
                                                   escape_for_terminal(name), decision.error().message));
    if (!*decision) continue;
    if ((*decision)->kind == Decision::Kind::kKeep)
      decisions.kept_.insert_or_assign((*decision)->a, **decision);
    else
      decisions.distinct_.insert_or_assign(std::pair((*decision)->a, (*decision)->b), **decision);
  }
  return decisions;
}

Result<Decisions> Decisions::load(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return Decisions();
  if (!fd) return fail_errno(fmt::format("cannot open '{}'", escape_for_terminal(path)), errno);
  PAIRLOOM_ASSIGN(const std::string text, read_all(fd.get(), path));
  return parse(text, path);
}

Result<> Decisions::append(const std::string& path, std::span<const Decision> decisions) {
  PAIRLOOM_ASSIGN(const Fd fd, open_locked(path));
  PAIRLOOM_ASSIGN(const std::string before, read_all(fd.get(), path));
  PAIRLOOM_TRY(parse(before, path));  // add nothing to a file that cannot be read afterwards
  std::string text = before.empty() ? kHeader : before.ends_with('\n') ? "" : "\n";
  const size_t last_line = before.rfind('\n') + 1;  // 0 if there is only one
  if (text == "\n" && !decision_from(before.substr(last_line))) {  // what a crash left of a line goes
    if (::ftruncate(fd.get(), static_cast<off_t>(last_line)) != 0)
      return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path)), errno);
    text = last_line == 0 ? kHeader : "";
  }
  for (const Decision& decision : decisions) text += decision_line(decision);
  return write_all(fd.get(), text, path);
}

Result<uint64_t> Decisions::reset(const std::string& path, const std::set<ContentKey>& contents) {
  PAIRLOOM_ASSIGN(const Fd lock, open_locked(path));
  PAIRLOOM_ASSIGN(const std::string before, read_all(lock.get(), path));
  PAIRLOOM_ASSIGN(const Decisions decisions, parse(before, path));
  std::string text = kHeader;
  uint64_t removed = 0;
  for (const Decision& decision : decisions.all()) {
    const bool both = decision.kind == Decision::Kind::kNotDuplicates;
    // Of a pair both must be named if several are: what was decided about others stays.
    const bool named = both && contents.size() > 1 ? contents.contains(decision.a) && contents.contains(decision.b)
                                                   : contents.contains(decision.a) || (both && contents.contains(decision.b));
    if (contents.empty() || named)
      ++removed;
    else
      text += decision_line(decision);
  }
  const std::string fresh = path + ".new";
  const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(fresh)), errno);
  PAIRLOOM_TRY(write_all(fd.get(), text, fresh));
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path)), errno);
  return removed;
}

uint64_t Decisions::files_to_keep(const ContentKey& content) const {
  const auto at = kept_.find(content);
  return at == kept_.end() ? 0 : std::max<uint64_t>(at->second.files, 1);
}

std::vector<Decision> Decisions::all() const {
  std::vector<Decision> decisions;
  for (const auto& [pair, decision] : distinct_) decisions.push_back(decision);
  for (const auto& [content, decision] : kept_) decisions.push_back(decision);
  return decisions;
}

}  // namespace pairloom::cli

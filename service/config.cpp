#include "service/config.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/fd.h"
#include "base/quantity.h"
#include "base/suggest.h"
#include "base/text.h"

namespace pairloom::service {
namespace {

// Puts the value of one key where it belongs; an error says only what is wrong with the value.
using Take = std::function<Result<>(const toml::node&)>;
struct Key {
  std::string_view name;
  Take take;
};

Result<> wrong(const std::string& what) {
  return fail(Errc::kInvalidArgument, what);
}

Take text(std::string& into) {
  return [&into](const toml::node& node) -> Result<> {
    const auto* value = node.as_string();
    if (!value) return wrong("is not text in quotes");
    into = value->get();
    return {};
  };
}

Take absolute_path(std::string& into) {
  return [&into](const toml::node& node) -> Result<> {
    PAIRLOOM_TRY(text(into)(node));
    if (!into.starts_with('/')) return wrong(fmt::format("'{}' is not an absolute path", escape_for_terminal(into)));
    while (into.size() > 1 && into.ends_with('/')) into.pop_back();
    return {};
  };
}

Take flag(bool& into) {
  return [&into](const toml::node& node) -> Result<> {
    const auto* value = node.as_boolean();
    if (!value) return wrong("is neither true nor false");
    into = value->get();
    return {};
  };
}

Take whole_number(int& into, int min, int max) {
  return [&into, min, max](const toml::node& node) -> Result<> {
    const auto* value = node.as_integer();
    if (!value || value->get() < min || value->get() > max)
      return wrong(fmt::format("is not a whole number from {} to {}", min, max));
    into = static_cast<int>(value->get());
    return {};
  };
}

Take number(double& into, double min, double max) {
  return [&into, min, max](const toml::node& node) -> Result<> {
    const auto value = node.value<double>();
    if (!value || !(*value >= min && *value <= max)) return wrong(fmt::format("is not a number from {} to {}", min, max));
    into = *value;
    return {};
  };
}

Take duration(double& into, double min_s) {
  return [&into, min_s](const toml::node& node) -> Result<> {
    double seconds = 0;
    if (const auto* value = node.as_string()) {
      PAIRLOOM_ASSIGN(seconds, parse_seconds(value->get()));
    } else if (const auto bare = node.value<double>()) {
      seconds = *bare;
    } else {
      return wrong(R"(is not a time; write "500ms", "2s", "5min", "1.5h" or "1d")");
    }
    if (!(seconds >= min_s)) return wrong(fmt::format("is less than {}", human_seconds(min_s)));
    into = seconds;
    return {};
  };
}

Take size(uint64_t& into) {
  return [&into](const toml::node& node) -> Result<> {
    if (const auto* value = node.as_string()) {
      PAIRLOOM_ASSIGN(into, parse_size(value->get()));
      return {};
    }
    const auto* value = node.as_integer();
    if (!value || value->get() < 0) return wrong(R"(is not a size; write "500M", "1.5G" or "2Gi")");
    into = static_cast<uint64_t>(value->get());
    return {};
  };
}

Take texts(std::vector<std::string>& into) {
  return [&into](const toml::node& node) -> Result<> {
    const auto* list = node.as_array();
    if (!list) return wrong(R"(is not a list; write ["a", "b"])");
    into.clear();
    for (const toml::node& item : *list) PAIRLOOM_TRY(text(into.emplace_back())(item));
    return {};
  };
}

Take algorithm_list(AlgorithmSet& into, bool may_be_empty) {
  return [&into, may_be_empty](const toml::node& node) -> Result<> {
    std::vector<std::string> names;
    PAIRLOOM_TRY(texts(names)(node));
    if (names.empty() && !may_be_empty) return wrong("is empty; name at least one algorithm");
    into = 0;
    for (const std::string& name : names) {
      PAIRLOOM_ASSIGN(const Algorithm algorithm, algorithm_from_name(name));
      into |= set_of(algorithm);
    }
    return {};
  };
}

template <class T>
Take one_of(T& into, std::vector<std::pair<std::string, T>> values) {
  return [&into, values = std::move(values)](const toml::node& node) -> Result<> {
    std::string word, known;
    PAIRLOOM_TRY(text(word)(node));
    for (const auto& [name, value] : values) {
      if (word == name) {
        into = value;
        return {};
      }
      known += (known.empty() ? "" : ", ") + name;
    }
    return wrong(fmt::format("'{}' is none of {}", escape_for_terminal(word), known));
  };
}

class Reader {
 public:
  Reader(const std::string& path, Config& config) : path_(path), config_(config) {}

  Result<> read_roots(const toml::table& document) { return read_table(document, "", {{"root", roots()}}); }

  Result<> read(const toml::table& document) {
    PAIRLOOM_TRY(read_table(document, "", top_keys()));
    if (config_.index.empty()) return wrong(fmt::format(R"({}: there is no key 'index'; add index = "/var/lib/pairloom/index.db")", path_));
    if ((config_.pair & ~config_.algorithms) != 0)
      return wrong(fmt::format("{}: 'pair' names an algorithm that is not in 'algorithms'", path_));
    return {};
  }

 private:
  std::vector<Key> top_keys() {
    Config& c = config_;
    return {
        {"index", absolute_path(c.index)},
        {"jobs", whole_number(c.jobs, 0, 1024)},
        {"memory", size(c.memory_bytes)},
        {"algorithms", algorithm_list(c.algorithms, false)},
        {"pair", algorithm_list(c.pair, true)},
        {"decode", one_of(c.accuracy, {{"fast", Accuracy::kFast}, {"default", Accuracy::kDefault}, {"full", Accuracy::kFull}})},
        {"require_sandbox", flag(c.require_sandbox)},
        {"io_friendly", flag(c.io_friendly)},
        {"settle", duration(c.settle_s, 0)},
        {"rescan", duration(c.rescan_s, 60)},
        {"poll", duration(c.poll_s, 1)},
        {"pair_after", duration(c.pair_s, 0)},
        {"inotify_share", number(c.inotify_share, 0.001, 1)},
        {"idle", duration(c.idle_s, 0)},
        {"nice", whole_number(c.nice, 0, 19)},
        {"io", one_of<bool>(c.idle_io, {{"idle", true}, {"normal", false}})},
        {"pressure", table("pressure", {{"memory", whole_number(c.memory_pressure, 0, 100)},
                                        {"cpu", whole_number(c.cpu_pressure, 0, 100)},
                                        {"io", whole_number(c.io_pressure, 0, 100)}})},
        {"limits", table("limits", {{"file_size", size(c.limits.max_file_bytes)},
                                    {"pixels", size(c.limits.max_pixels)},
                                    {"scans", size(c.limits.max_scans)},
                                    {"parts", size(c.limits.max_parts)}})},
        {"control", table("control", {{"socket", control_socket()}, {"group", text(c.control_group)}})},
        {"root", roots()},
    };
  }

  Take control_socket() {
    return [this](const toml::node& node) -> Result<> {
      PAIRLOOM_TRY(text(config_.control_socket)(node));
      return config_.control_socket.empty() ? Result<>{} : absolute_path(config_.control_socket)(node);
    };
  }

  Take table(std::string name, std::vector<Key> keys) {
    return [this, name = std::move(name), keys = std::move(keys)](const toml::node& node) -> Result<> {
      const auto* inner = node.as_table();
      if (!inner) return wrong(fmt::format("is not a table; write [{}]", name));
      return read_table(*inner, name + ".", keys);
    };
  }

  Take roots() {
    return [this](const toml::node& node) -> Result<> {
      const auto* list = node.as_array();
      if (!list || !list->is_array_of_tables()) return wrong("is not a list of tables; write [[root]]");
      for (const toml::node& item : *list) {
        RootConfig root;
        const std::vector<Key> keys = {
            {"path", absolute_path(root.path)},
            {"include", texts(root.walk.include)},
            {"exclude", texts(root.walk.exclude)},
            {"hidden", flag(root.walk.hidden)},
            {"follow", flag(root.walk.follow_symlinks)},
            {"one_file_system", flag(root.walk.one_file_system)},
            {"poll", duration(root.poll_s, 1)},
            {"watch", one_of(root.watch, {{"auto", WatchMode::kAuto},
                                          {"inotify", WatchMode::kInotify},
                                          {"fanotify", WatchMode::kFanotify},
                                          {"poll", WatchMode::kPoll}})},
        };
        PAIRLOOM_TRY(read_table(*item.as_table(), "root.", keys));
        if (root.path.empty()) return at(item, "root", R"(has no 'path'; add path = "/srv/photos")");
        for (const RootConfig& other : config_.roots)
          if (other.path == root.path) return at(item, "root.path", fmt::format("'{}' is named twice", escape_for_terminal(root.path)));
        config_.roots.push_back(std::move(root));
      }
      return {};
    };
  }

  Result<> read_table(const toml::table& given, const std::string& prefix, const std::vector<Key>& keys) {
    for (const auto& [key, node] : given) {
      const auto known = std::find_if(keys.begin(), keys.end(), [&name = key](const Key& k) { return k.name == name.str(); });
      if (known == keys.end()) return unknown(key, prefix, keys);
      const auto taken = known->take(node);
      if (taken) continue;
      // What was found deeper down says where itself.
      if (taken.error().message.starts_with(path_ + ":")) return taken;
      return at(node, prefix + std::string(key.str()), taken.error().message);
    }
    return {};
  }

  Result<> unknown(const toml::key& key, const std::string& prefix, const std::vector<Key>& keys) const {
    std::vector<std::string> names;
    for (const Key& k : keys) names.emplace_back(k.name);
    const std::string meant = nearest(key.str(), names);
    return fail(Errc::kInvalidArgument,
                fmt::format("{}:{}: there is no key '{}{}'{}", path_, key.source().begin.line, prefix,
                            escape_for_terminal(key.str()),
                            meant.empty() ? "; pairloom.toml(5) lists them" : "; did you mean '" + prefix + meant + "'?"));
  }

  Result<> at(const toml::node& node, const std::string& key, const std::string& what) const {
    return fail(Errc::kInvalidArgument, fmt::format("{}:{}: {}: {}", path_, node.source().begin.line, key, what));
  }

  const std::string& path_;
  Config& config_;
};

// TOML allows characters other than ASCII in comments and in quotes only, and toml++ 3.2 is undefined behaviour away from
// saying so (is_non_ascii_horizontal_whitespace reaches TOML_UNREACHABLE). The line with the first such character, or 0.
size_t line_with_a_stray_character(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  size_t line = 1;
  std::string_view closes;  // what ends the string we are in; empty: in none
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (!closes.empty()) {
      if (closes.front() == '"' && c == '\\') {
        ++i;  // an escaped quote closes nothing
        if (i < text.size() && text[i] == '\n') ++line;
      } else if (text.substr(i).starts_with(closes) || (c == '\n' && closes.size() == 1)) {
        i += closes.size() - 1;
        closes = {};
      }
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '"' || c == '\'') {
      const std::string_view three = c == '"' ? "\"\"\"" : "'''";
      closes = text.substr(i).starts_with(three) ? three : three.substr(0, 1);
      i += closes.size() - 1;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      return line;
    }
  }
  return 0;
}

// `read` is one of Reader's.
Result<Config> parse(std::string_view text, const std::string& path, Result<> (Reader::*read)(const toml::table&)) {
  Config config;
  if (const size_t line = line_with_a_stray_character(text); line > 0)
    return fail(Errc::kInvalidArgument,
                fmt::format("{}:{}: characters other than ASCII may only be in quotes and comments", path, line));
  try {
    const toml::table document = toml::parse(text, path);
    Reader reader(path, config);
    PAIRLOOM_TRY((reader.*read)(document));
  } catch (const toml::parse_error& error) {
    return fail(Errc::kInvalidArgument, fmt::format("{}:{}:{}: {}", path, error.source().begin.line,
                                                    error.source().begin.column, error.description()));
  }
  return config;
}

Result<std::string> text_of(const Fd& fd, const std::string& path) {
  constexpr size_t kMaxBytes = 1 << 20;
  std::string text(kMaxBytes, '\0');
  PAIRLOOM_ASSIGN(const size_t size, read_up_to(fd.get(), text.data(), text.size(), "'" + escape_for_terminal(path) + "'"));
  if (size == kMaxBytes)
    return fail(Errc::kInvalidArgument, fmt::format("'{}' is too long for a configuration file", escape_for_terminal(path)));
  text.resize(size);
  return text;
}

// A basic string of TOML.
std::string quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\', quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + quoted(text);
  return "[" + list + "]";
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& path) {
  return parse(text, path, &Reader::read);
}

Result<Config> read_config(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno(fmt::format("cannot open configuration file '{}'", escape_for_terminal(path)), errno);
  PAIRLOOM_ASSIGN(const std::string text, text_of(fd, path));
  return parse_config(text, path);
}

bool same(const RootConfig& a, const RootConfig& b) {
  return a.path == b.path && a.walk.include == b.walk.include && a.walk.exclude == b.walk.exclude &&
         a.walk.hidden == b.walk.hidden && a.walk.follow_symlinks == b.walk.follow_symlinks &&
         a.walk.one_file_system == b.walk.one_file_system && a.poll_s == b.poll_s && a.watch == b.watch &&
         a.configured == b.configured;
}

Result<std::vector<RootConfig>> read_watch_list(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::vector<RootConfig>{};
  if (!fd) return fail_errno(fmt::format("cannot open '{}'", escape_for_terminal(path)), errno);
  PAIRLOOM_ASSIGN(const std::string text, text_of(fd, path));
  PAIRLOOM_ASSIGN(Config config, parse(text, path, &Reader::read_roots));
  for (RootConfig& root : config.roots) root.configured = false;
  return std::move(config.roots);
}

Result<> write_watch_list(const std::string& path, const std::vector<RootConfig>& roots) {
  std::string text = "# Written by pairloomd: what `pairloom watch add` added.\n";
  for (const RootConfig& root : roots) {
    if (!is_valid_utf8(root.path))
      return fail(Errc::kInvalidArgument, fmt::format("'{}' is not valid UTF-8 and cannot be kept in a list of roots",
                                                      escape_for_terminal(root.path)));
    text += fmt::format("\n[[root]]\npath = {}\ninclude = {}\nexclude = {}\nhidden = {}\nfollow = {}\none_file_system = {}\n",
                        quoted(root.path), quoted(root.walk.include), quoted(root.walk.exclude), root.walk.hidden,
                        root.walk.follow_symlinks, root.walk.one_file_system);
    if (root.poll_s > 0) text += fmt::format("poll = {:.3f}\n", root.poll_s);
  }
  const std::string fresh = path + ".new", what = "'" + escape_for_terminal(fresh) + "'";
  {
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return fail_errno("cannot write " + what, errno);
    PAIRLOOM_TRY(write_all(fd.get(), text.data(), text.size(), what));
    if (::fsync(fd.get()) != 0) return fail_errno("cannot write " + what, errno);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail_errno("cannot replace '" + escape_for_terminal(path) + "'", errno);
  const Fd directory(::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno("cannot write " + what, errno);
  return {};
}

MemoryPlan plan_memory(const Config& config, int cores) {
  constexpr uint64_t kLeastForWorker = 512ull << 20;  // what most pictures need, and more
  MemoryPlan plan;
  plan.jobs = config.jobs > 0 ? config.jobs : std::max(1, cores);
  if (config.memory_bytes == 0) return plan;
  const auto fit = static_cast<int>(std::min<uint64_t>(1024, config.memory_bytes / kLeastForWorker));
  plan.jobs = std::clamp(plan.jobs, 1, std::max(1, fit));
  plan.worker_bytes = config.memory_bytes / static_cast<uint64_t>(plan.jobs);
  plan.pairing_bytes = std::clamp<uint64_t>(config.memory_bytes / 2, 64ull << 20, 1ull << 30);
  return plan;
}

}  // namespace pairloom::service

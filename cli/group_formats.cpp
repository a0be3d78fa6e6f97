#include "cli/group_formats.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/text.h"
#include "base/version.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

constexpr std::string_view kSchema = "pairloom.group/1";

std::string_view marker(const GroupFile& file) {
  if (file.reference) return "* origin";
  if (file.keep) return "+ keep";
  if (file.exact) return "= exact";
  return file.image.damaged ? "! damaged" : "~ near";
}

std::string_view match_word(const GroupFile& file) {
  return file.keep ? "keep" : file.exact ? "exact" : "near";
}

std::string pixel_size(const ImageInfo& image) {
  return fmt::format("{}x{}", image.width_px, image.height_px);
}

std::string counted(uint64_t n, std::string_view one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

// For people: a header, then a line for each file, its path last. The layout may change; the other formats do not.
class HumanWriter : public GroupWriter {
 public:
  HumanWriter(Output& out, const Style& style) : out_(out), style_(style) {}

  void group(const DuplicateGroup& g) override {
    std::string header = fmt::format("group {}: {}, {} reclaimable", ++number_, counted(g.files.size(), "file"),
                                     human_bytes(g.reclaimable_bytes));
    header += g.max_distance == 0 ? ", same picture code" : fmt::format(", distance up to {}", g.max_distance);
    const bool all_exact = std::all_of(g.files.begin() + 1, g.files.end(), [](const auto& f) { return f.exact; });
    if (all_exact)
      header = fmt::format("group {}: {}, {} reclaimable, identical", number_, counted(g.files.size(), "file"),
                           human_bytes(g.reclaimable_bytes));
    if (g.spread > 0) header += fmt::format(", a chain: up to {} bits from its centre", g.spread);
    std::string text = style_.bold(header);
    text += style_.dim(g.keep_reason.empty() ? "; all are damaged: keep them" : "; keep: " + g.keep_reason) + "\n";
    size_t size_width = 0, bytes_width = 0;
    for (const auto& f : g.files) {
      size_width = std::max(size_width, pixel_size(f.image).size());
      bytes_width = std::max(bytes_width, human_bytes(f.identity.size_bytes).size());
    }
    for (const auto& f : g.files) {
      const std::string mark = fmt::format("{:<9}", marker(f));
      text += "  " + (f.keep ? style_.green(mark) : f.exact ? style_.cyan(mark) : style_.yellow(mark));
      text += fmt::format(" {:>3}  {:>{}}  {:<4}  {:>{}}  ", f.distance, pixel_size(f.image), size_width,
                          name_of(f.image.format), human_bytes(f.identity.size_bytes), bytes_width);
      text += escape_for_terminal(f.path) + "\n";
    }
    out_.write(text + "\n");
  }

  void end(const GroupTotals& totals) override { out_.write(totals_text(totals) + "\n"); }

 private:
  Output& out_;
  Style style_;
  uint64_t number_ = 0;
};

// fdupes' layout: a path a line, an empty line after each group; the one to keep first.
class FdupesWriter : public GroupWriter {
 public:
  explicit FdupesWriter(Output& out) : out_(out) {}
  void group(const DuplicateGroup& g) override {
    std::string text;
    for (const auto& f : g.files) text += line_path(f.path) + "\n";
    out_.write(text + "\n");
  }

 private:
  Output& out_;
};

// Raw paths, each ended by NUL; an empty one ends a group.
class NullWriter : public GroupWriter {
 public:
  explicit NullWriter(Output& out) : out_(out) {}
  void group(const DuplicateGroup& g) override {
    std::string text;
    for (const auto& f : g.files) text += f.path + '\0';
    out_.write(text + '\0');
  }

 private:
  Output& out_;
};

class CsvWriter : public GroupWriter {
 public:
  explicit CsvWriter(Output& out) : out_(out) {}
  void begin(const GroupParameters&) override {
    out_.write(csv_row({"group", "rank", "keep", "match", "distance", "width", "height", "format", "bytes", "mtime",
                        "damaged", "path", "path_encoding"}));
  }
  void group(const DuplicateGroup& g) override {
    std::string text;
    size_t rank = 0;
    for (const auto& f : g.files) {
      const auto path = csv_path(f.path);
      text += csv_row({g.id, std::to_string(rank++), f.keep ? "1" : "0", match_word(f), std::to_string(f.distance),
                       std::to_string(f.image.width_px), std::to_string(f.image.height_px), name_of(f.image.format),
                       std::to_string(f.identity.size_bytes), utc_time(f.identity.mtime_ns),
                       f.image.damaged ? "1" : "0", path.path, path.encoding});
    }
    out_.write(text);
  }

 private:
  Output& out_;
};

class JsonlWriter : public GroupWriter {
 public:
  explicit JsonlWriter(Output& out) : out_(out) {}

  void begin(const GroupParameters& p) override {
    Json params = {{"exact_only", p.exact_only}, {"linkage", p.linkage}, {"sort", p.sort}, {"limit", p.limit}};
    if (!p.exact_only) params.update({{"algorithm", p.algorithm}, {"bits", p.bits}, {"distance", p.distance}});
    out_.write(json_line({{"type", "header"},
                          {"schema", kSchema},
                          {"version", kVersion},
                          {"index", json_path(p.index)},
                          {"params", params}}));
  }

  void problem(const daemon::Problem& p) override {
    out_.write(json_line({{"type", "error"},
                          {"path", json_path(p.path)},
                          {"message", p.reason},
                          {"skipped_subtree", p.skipped_subtree}}));
  }

  void group(const DuplicateGroup& g) override {
    Json members = Json::array();
    for (const auto& f : g.files)
      members.push_back({{"path", json_path(f.path)},
                         {"keep", f.keep},
                         {"match", match_word(f)},
                         {"dist", f.distance},
                         {"w", f.image.width_px},
                         {"h", f.image.height_px},
                         {"format", name_of(f.image.format)},
                         {"bytes", f.identity.size_bytes},
                         {"mtime", utc_time(f.identity.mtime_ns)},
                         {"damaged", f.image.damaged}});
    out_.write(json_line({{"type", "group"},
                          {"id", g.id},
                          {"max_dist", g.max_distance},
                          {"reclaim_bytes", g.reclaimable_bytes},
                          {"keep_reason", g.keep_reason},
                          {"chain_spread", g.spread},
                          {"members", std::move(members)}}));
  }

  void end(const GroupTotals& t) override {
    out_.write(json_line({{"type", "summary"},
                          {"groups", t.groups},
                          {"shown", t.shown},
                          {"files", t.files},
                          {"redundant", t.redundant},
                          {"reclaim_bytes", t.reclaimable_bytes},
                          {"low_information", t.low_information}}));
  }

 private:
  Output& out_;
};

}  // namespace

std::unique_ptr<GroupWriter> make_group_writer(OutputFormat format, Output& out, const Style& style) {
  switch (format) {
    case OutputFormat::kHuman:
      return std::make_unique<HumanWriter>(out, style);
    case OutputFormat::kFdupes:
      return std::make_unique<FdupesWriter>(out);
    case OutputFormat::kJsonl:
      return std::make_unique<JsonlWriter>(out);
    case OutputFormat::kCsv:
      return std::make_unique<CsvWriter>(out);
    case OutputFormat::kNull:
      return std::make_unique<NullWriter>(out);
  }
  return nullptr;
}

std::string totals_text(const GroupTotals& t) {
  if (t.groups == 0) return "no duplicates found";
  std::string text = fmt::format("{}, {}, {} reclaimable", counted(t.groups, "group"),
                                 counted(t.redundant, "redundant file"), human_bytes(t.reclaimable_bytes));
  if (t.shown < t.groups) text += fmt::format(" ({} shown)", t.shown);
  return text;
}

}  // namespace pairloom::cli

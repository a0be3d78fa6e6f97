#include "cli/feature_formats.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/text.h"
#include "base/version.h"
#include "cli/npy_file.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

using Descriptions = std::vector<jobs::FeatureDescription>;
using jobs::FeatureElement;

template <class T>
T value_at(std::span<const std::byte> values, size_t i) {
  T value;
  std::memcpy(&value, values.data() + i * sizeof value, sizeof value);
  return value;
}

// The shortest text that gives the same number back. `no_number` stands for NaN and infinities.
template <class T>
void put_number(std::string& out, T value, std::string_view no_number) {
  if (std::isfinite(value))
    fmt::format_to(std::back_inserter(out), "{}", value);
  else if (no_number.empty())
    fmt::format_to(std::back_inserter(out), "{}", value);
  else
    out += no_number;
}

void put_value(std::string& out, FeatureElement element, std::span<const std::byte> values, size_t i,
               std::string_view no_number) {
  switch (element) {
    case FeatureElement::kU8:
      return static_cast<void>(fmt::format_to(std::back_inserter(out), "{}", value_at<uint8_t>(values, i)));
    case FeatureElement::kI32:
      return static_cast<void>(fmt::format_to(std::back_inserter(out), "{}", value_at<int32_t>(values, i)));
    case FeatureElement::kF32:
      return put_number(out, value_at<float>(values, i), no_number);
    case FeatureElement::kF64:
      return put_number(out, value_at<double>(values, i), no_number);
  }
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

// The values of a row, separated by commas.
void put_row(std::string& out, const jobs::FeatureDescription& d, const jobs::FeatureTable& table, size_t row,
             std::string_view no_number) {
  for (size_t c = 0; c < d.columns.size(); ++c) {
    if (c > 0) out += ',';
    put_value(out, d.element, table.values, row * d.columns.size() + c, no_number);
  }
}

// --- CSV

class Csv final : public FeatureFormat {
 public:
  explicit Csv(const Descriptions& descriptions) : descriptions_(descriptions) {}

  Result<std::string> begin() override {
    std::string header = "path,path_encoding,width,height";
    const auto labels = labels_of(descriptions_);
    if (!descriptions_.front().one_row) header += ",row";
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto& d = descriptions_[i];
      if (d.is_code) header += ',' + labels[i];
      for (size_t c = 0; c < d.columns.size() && !d.is_code; ++c)
        header += fmt::format(",{}.{}", labels[i], d.columns[c]);
    }
    return header + '\n';
  }

  Result<std::string> add(const std::string& path, const jobs::ExtractResult& result) override {
    const auto column = csv_path(path);
    std::string start =
        csv_row({column.path, column.encoding, std::to_string(result.width_px), std::to_string(result.height_px)});
    start.pop_back();  // the end of the line
    std::string out;
    if (!descriptions_.front().one_row) {
      for (size_t row = 0; row < result.tables[0].rows; ++row) {
        out += fmt::format("{},{},", start, row);
        put_row(out, descriptions_[0], result.tables[0], row, "");
        out += '\n';
      }
      return out;
    }
    out = std::move(start);
    for (size_t i = 0; i < descriptions_.size(); ++i) {
      out += ',';
      if (descriptions_[i].is_code)
        out += hex(result.tables[i].values);
      else
        put_row(out, descriptions_[i], result.tables[i], 0, "");
    }
    return out + '\n';
  }

 private:
  const Descriptions& descriptions_;
};

// --- JSON lines

class Jsonl final : public FeatureFormat {
 public:
  explicit Jsonl(const Descriptions& descriptions) : descriptions_(descriptions), labels_(labels_of(descriptions)) {}

  Result<std::string> begin() override {
    Json features = Json::array();
    for (size_t i = 0; i < labels_.size(); ++i) {
      const auto& d = descriptions_[i];
      features.push_back({{"label", labels_[i]},
                          {"name", d.name},
                          {"version", d.version},
                          {"parameters", d.parameters},
                          {"element", name_of(d.element)},
                          {"one_row", d.one_row},
                          {"columns", d.columns}});
    }
    return json_line(
        {{"type", "header"}, {"schema", "pairloom.features/1"}, {"version", kVersion}, {"features", features}});
  }

  Result<std::string> add(const std::string& path, const jobs::ExtractResult& result) override {
    // The values by hand: an image may have a million of them.
    std::string out = fmt::format(R"({{"type":"features","path":{},"w":{},"h":{},"features":{{)",
                                  json_path(path).dump(), result.width_px, result.height_px);
    for (size_t i = 0; i < labels_.size(); ++i) {
      out += fmt::format("{}\"{}\":", i > 0 ? "," : "", labels_[i]);
      put_table(out, descriptions_[i], result.tables[i]);
    }
    return out + "}}\n";
  }

  std::string failed(const std::string& path, Outcome outcome, const std::string& message) override {
    return json_line(
        {{"type", "error"}, {"path", json_path(path)}, {"outcome", name_of(outcome)}, {"message", message}});
  }

  Result<std::string> finish(uint64_t files, uint64_t failed) override {
    return json_line({{"type", "summary"}, {"files", files}, {"failed", failed}});
  }

 private:
  static void put_table(std::string& out, const jobs::FeatureDescription& d, const jobs::FeatureTable& table) {
    if (d.is_code) {
      out += '"' + hex(table.values) + '"';
      return;
    }
    if (!d.one_row) out += '[';
    for (size_t row = 0; row < table.rows; ++row) {
      out += row > 0 ? ",[" : "[";
      put_row(out, d, table, row, "null");
      out += ']';
    }
    if (!d.one_row) out += ']';
  }

  const Descriptions& descriptions_;
  std::vector<std::string> labels_;
};

// --- NumPy

std::string numpy_type(FeatureElement element) {
  static constexpr const char* kTypes[] = {"|u1", "<i4", "<f4", "<f8"};
  return kTypes[static_cast<size_t>(element) - 1];
}

class Npy final : public FeatureFormat {
 public:
  static Result<std::unique_ptr<FeatureFormat>> create(const Descriptions& descriptions, const std::string& directory) {
    if (::mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST)
      return fail_errno(fmt::format("cannot make the directory '{}'", escape_for_terminal(directory)), errno);
    auto npy = std::unique_ptr<Npy>(new Npy(descriptions));
    PAIRLOOM_ASSIGN(npy->list_, open_for_writing(directory + "/files.jsonl"));
    const auto labels = labels_of(descriptions);
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto& d = descriptions[i];
      const std::string path = fmt::format("{}/{}", directory, labels[i]);
      PAIRLOOM_ASSIGN(auto values, NpyFile::create(path + ".npy", numpy_type(d.element), d.columns.size()));
      npy->values_.push_back(std::move(values));
      npy->offsets_.emplace_back();
      npy->rows_.push_back(0);
      if (d.one_row) continue;
      PAIRLOOM_ASSIGN(auto offsets, NpyFile::create(path + ".offsets.npy", "<u8", std::nullopt));
      npy->offsets_.back() = std::move(offsets);
      PAIRLOOM_TRY(npy->append_offset(i));
    }
    PAIRLOOM_ASSIGN(npy->listed_, Jsonl(descriptions).begin());
    return npy;
  }

  Result<std::string> begin() override { return std::string(); }

  Result<std::string> add(const std::string& path, const jobs::ExtractResult& result) override {
    for (size_t i = 0; i < values_.size(); ++i) {
      PAIRLOOM_TRY(values_[i].append(result.tables[i].values, result.tables[i].rows));
      rows_[i] += result.tables[i].rows;
      if (offsets_[i]) PAIRLOOM_TRY(append_offset(i));
    }
    listed_ +=
        json_line({{"type", "file"}, {"path", json_path(path)}, {"w", result.width_px}, {"h", result.height_px}});
    if (listed_.size() >= kListBytes) PAIRLOOM_TRY(write_list());
    return std::string();
  }

  Result<std::string> finish(uint64_t, uint64_t) override {
    for (NpyFile& file : values_) PAIRLOOM_TRY(file.finish());
    for (auto& file : offsets_)
      if (file) PAIRLOOM_TRY(file->finish());
    PAIRLOOM_TRY(write_list());
    return std::string();
  }

 private:
  static constexpr size_t kListBytes = 64 * 1024;

  explicit Npy(const Descriptions&) {}

  static Result<Fd> open_for_writing(const std::string& path) {
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!fd) return fail_errno(fmt::format("cannot write '{}'", escape_for_terminal(path)), errno);
    return fd;
  }

  Result<> append_offset(size_t i) { return offsets_[i]->append(std::as_bytes(std::span(&rows_[i], 1)), 1); }

  Result<> write_list() {
    PAIRLOOM_TRY(write_all(list_.get(), listed_.data(), listed_.size(), "files.jsonl"));
    listed_.clear();
    return {};
  }

  Fd list_;
  std::string listed_;
  std::vector<NpyFile> values_;                  // of each feature
  std::vector<std::optional<NpyFile>> offsets_;  // where each file's rows begin, if they are of any number
  std::vector<uint64_t> rows_;
};

}  // namespace

std::vector<std::string> labels_of(const Descriptions& descriptions) {
  std::vector<std::string> labels;
  for (const auto& d : descriptions) {
    std::string label = d.name;
    if (std::ranges::count(descriptions, d.name, &jobs::FeatureDescription::name) > 1) {
      label += ':' + d.parameters;
      std::ranges::replace(label, ' ', ':');
    }
    labels.push_back(std::move(label));
  }
  return labels;
}

Result<std::unique_ptr<FeatureFormat>> csv_features(const Descriptions& descriptions) {
  for (const auto& d : descriptions)
    if (!d.one_row && descriptions.size() > 1)
      return fail(
          Errc::kInvalidArgument,
          fmt::format("'{}' has any number of rows for an image: in csv it must be alone; or use -o jsonl or npy",
                      d.name));
  return std::make_unique<Csv>(descriptions);
}

std::unique_ptr<FeatureFormat> jsonl_features(const Descriptions& descriptions) {
  return std::make_unique<Jsonl>(descriptions);
}

Result<std::unique_ptr<FeatureFormat>> npy_features(const Descriptions& descriptions, const std::string& directory) {
  return Npy::create(descriptions, directory);
}

}  // namespace pairloom::cli

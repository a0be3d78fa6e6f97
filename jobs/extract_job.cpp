#include "jobs/extract_job.h"

#include <fmt/format.h>
#include <algorithm>

#include "jobs/wire.h"

namespace pairloom::jobs {
namespace {

constexpr uint32_t kMaxFeatures = 64;
constexpr uint64_t kMaxNameBytes = 100, kMaxSpecBytes = 1000;

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ',' && c != '"'; });
}
bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<FeatureDescription> take_description(WireReader& reader) {
  FeatureDescription d;
  PAIRLOOM_ASSIGN(d.name, reader.take_text(kMaxNameBytes));
  PAIRLOOM_ASSIGN(d.version, reader.take<uint32_t>());
  PAIRLOOM_ASSIGN(d.parameters, reader.take_text(kMaxSpecBytes));
  PAIRLOOM_ASSIGN(const auto element, reader.take<uint32_t>());
  PAIRLOOM_ASSIGN(const auto flags, reader.take<uint32_t>());
  PAIRLOOM_ASSIGN(const auto columns, reader.take<uint32_t>());
  if (!is_name(d.name)) return reader.bad("a name of other characters than letters, digits, '-' and '_'");
  if (element < 1 || element > 4 || flags > 3) return reader.bad("unknown element type or flags");
  if (columns < 1 || columns > kMaxFeatureColumns) return reader.bad("no columns, or too many");
  std::string parameters = d.parameters;
  std::erase(parameters, ' ');
  if (!is_printable(parameters)) return reader.bad("parameters that cannot be printed");
  d.element = static_cast<FeatureElement>(element);
  d.one_row = (flags & 1) != 0;
  d.is_code = (flags & 2) != 0;
  if (d.is_code && (d.element != FeatureElement::kU8 || !d.one_row)) return reader.bad("a code that is none");
  for (uint32_t c = 0; c < columns; ++c) {
    PAIRLOOM_ASSIGN(std::string column, reader.take_text(kMaxNameBytes));
    if (column.empty() || !is_printable(column)) return reader.bad("a column's name cannot be printed");
    d.columns.push_back(std::move(column));
  }
  return d;
}

}  // namespace

std::string_view name_of(FeatureElement element) {
  static constexpr std::string_view kNames[] = {"u8", "i32", "f32", "f64"};
  return kNames[static_cast<uint32_t>(element) - 1];
}

std::vector<std::byte> encode(const ExtractSetup& setup) {
  WireWriter out;
  out.put(setup.max_file_bytes);
  out.put(setup.max_pixels);
  out.put(static_cast<uint32_t>(setup.features.size()));
  for (const std::string& feature : setup.features) out.put_text(feature);
  return out.take();
}

Result<ExtractSetup> decode_extract_setup(std::span<const std::byte> bytes) {
  WireReader reader(bytes, "extract setup");
  ExtractSetup setup;
  PAIRLOOM_ASSIGN(setup.max_file_bytes, reader.take<uint64_t>());
  PAIRLOOM_ASSIGN(setup.max_pixels, reader.take<uint64_t>());
  PAIRLOOM_ASSIGN(const auto count, reader.take<uint32_t>());
  if (count < 1 || count > kMaxFeatures) return reader.bad("no features, or too many");
  for (uint32_t i = 0; i < count; ++i) {
    PAIRLOOM_ASSIGN(std::string feature, reader.take_text(kMaxSpecBytes));
    setup.features.push_back(std::move(feature));
  }
  PAIRLOOM_TRY(reader.end());
  return setup;
}

std::vector<std::byte> encode(std::span<const FeatureDescription> descriptions) {
  WireWriter out;
  for (const FeatureDescription& d : descriptions) {
    out.put_text(d.name);
    out.put(d.version);
    out.put_text(d.parameters);
    out.put(static_cast<uint32_t>(d.element));
    out.put(uint32_t{d.one_row} | uint32_t{d.is_code} << 1);
    out.put(static_cast<uint32_t>(d.columns.size()));
    for (const std::string& column : d.columns) out.put_text(column);
  }
  return out.take();
}

Result<std::vector<FeatureDescription>> decode_feature_descriptions(std::span<const std::byte> bytes, size_t count) {
  WireReader reader(bytes, "feature descriptions");
  std::vector<FeatureDescription> all;
  for (size_t i = 0; i < count; ++i) {
    PAIRLOOM_ASSIGN(auto description, take_description(reader));
    if (std::ranges::any_of(
            all, [&](const auto& d) { return d.name == description.name && d.parameters == description.parameters; }))
      return reader.bad("a feature twice");
    all.push_back(std::move(description));
  }
  PAIRLOOM_TRY(reader.end());
  return all;
}

std::vector<std::byte> encode(const ExtractResult& result) {
  WireWriter out;
  const StatIdentity& id = result.identity;
  for (const uint64_t value : {id.device, id.inode, id.size_bytes, static_cast<uint64_t>(id.mtime_ns),
                               static_cast<uint64_t>(id.ctime_ns), result.digest.lo, result.digest.hi})
    out.put(value);
  out.put(result.width_px);
  out.put(result.height_px);
  for (const FeatureTable& table : result.tables) {
    out.put(table.rows);
    out.put_bytes(table.values);
  }
  return out.take();
}

Result<ExtractResult> decode_extract_result(std::span<const std::byte> bytes,
                                            std::span<const FeatureDescription> descriptions) {
  WireReader reader(bytes, "extract result");
  ExtractResult result;
  uint64_t numbers[7];
  for (uint64_t& number : numbers) {
    PAIRLOOM_ASSIGN(number, reader.take<uint64_t>());
  }
  result.identity = {numbers[0], numbers[1], numbers[2], static_cast<int64_t>(numbers[3]),
                     static_cast<int64_t>(numbers[4])};
  result.digest = {numbers[5], numbers[6]};
  PAIRLOOM_ASSIGN(result.width_px, reader.take<uint32_t>());
  PAIRLOOM_ASSIGN(result.height_px, reader.take<uint32_t>());
  for (const FeatureDescription& description : descriptions) {
    FeatureTable table;
    PAIRLOOM_ASSIGN(table.rows, reader.take<uint32_t>());
    if (table.rows > kMaxFeatureRows || table.rows * description.row_bytes() > kMaxFeatureBytes ||
        (description.one_row && table.rows != 1))
      return reader.bad(fmt::format("{} rows of {}", table.rows, description.name));
    const uint64_t size = table.rows * description.row_bytes();
    PAIRLOOM_ASSIGN(const auto values, reader.take_bytes(size));
    if (values.size() != size) return reader.bad("values are missing");
    table.values.assign(values.begin(), values.end());
    result.tables.push_back(std::move(table));
  }
  PAIRLOOM_TRY(reader.end());
  return result;
}

}  // namespace pairloom::jobs

// Extraction on the wire. Two jobs with one set-up: kDescribeFeatures takes an empty task and answers what the features
// that were asked for are (names, columns, versions: plugins are known to workers only); kExtract takes a file a task
// and answers a table of each feature. Answers travel as jobs/file_answer.h. Runs in: supervisor (encodes set-ups,
// checks answers), worker (the other way round).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.h"
#include "base/result.h"

namespace pairloom::jobs {

struct ExtractSetup {
  std::vector<std::string> features;  // each "name" or "name:key=value:key=value", in the order of the answers
  uint64_t max_file_bytes = 512ull << 20;
  uint64_t max_pixels = 100'000'000;
};
std::vector<std::byte> encode(const ExtractSetup& setup);
Result<ExtractSetup> decode_extract_setup(std::span<const std::byte> bytes);

// Stable numbers: stored in the index, and part of the plugins' interface (include/pairloom/extractor.h).
enum class FeatureElement : uint32_t { kU8 = 1, kI32 = 2, kF32 = 3, kF64 = 4 };
constexpr size_t bytes_of(FeatureElement element) {
  return element == FeatureElement::kU8 ? 1 : element == FeatureElement::kF64 ? 8 : 4;
}
std::string_view name_of(FeatureElement element);  // "f32"

// What a feature is: how to read its tables, and what they depend on.
struct FeatureDescription {
  std::string name{};        // "lbp": letters, digits, '-' and '_'
  uint32_t version = 1;      // raised when the same image may yield other values
  std::string parameters{};  // all of them, in one spelling: "points=8 radius=1"; empty: there are none
  FeatureElement element = FeatureElement::kF64;
  bool one_row = true;   // one row for each image; else any number: a row is a keypoint
  bool is_code = false;  // kU8 and one row: a hash, shown in hexadecimal
  std::vector<std::string> columns{};

  uint64_t row_bytes() const { return columns.size() * bytes_of(element); }
  friend bool operator==(const FeatureDescription&, const FeatureDescription&) = default;
};
std::vector<std::byte> encode(std::span<const FeatureDescription> descriptions);
// kProtocol unless there are `count` of them, their names and columns printable, and each name and parameters but once.
Result<std::vector<FeatureDescription>> decode_feature_descriptions(std::span<const std::byte> bytes, size_t count);

constexpr uint32_t kMaxFeatureColumns = 65'536;
constexpr uint32_t kMaxFeatureRows = 1u << 20;
constexpr uint64_t kMaxFeatureBytes = 256u << 20;  // of one table

// The values of one feature: rows x columns, row-major, in the machine's byte order.
struct FeatureTable {
  uint32_t rows = 0;
  std::vector<std::byte> values;
};

struct ExtractResult {
  StatIdentity identity;
  Digest digest;                         // of the file's bytes
  uint32_t width_px = 0, height_px = 0;  // as shown
  std::vector<FeatureTable> tables;      // in the order of the descriptions
};
std::vector<std::byte> encode(const ExtractResult& result);
// kProtocol unless every table has the size its description and its rows say.
Result<ExtractResult> decode_extract_result(std::span<const std::byte> bytes,
                                            std::span<const FeatureDescription> descriptions);

}  // namespace pairloom::jobs

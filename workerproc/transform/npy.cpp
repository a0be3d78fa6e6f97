#include "workerproc/transform/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeaderBytes = 64 * 1024;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The dictionary in front of the numbers, as NumPy writes it:
// {'descr': '<f4', 'fortran_order': False, 'shape': (1000, 2000), }
class Header {
 public:
  explicit Header(std::string_view text) : text_(text) {}

  // What follows 'key': up to the comma or closing bracket that ends it; empty if there is none.
  std::string_view value(std::string_view key) const {
    const size_t at = text_.find(fmt::format("'{}'", key));
    if (at == std::string_view::npos) return {};
    const size_t colon = text_.find(':', at);
    if (colon == std::string_view::npos) return {};
    const size_t begin = text_.find_first_not_of(' ', colon + 1);
    if (begin == std::string_view::npos) return {};
    const bool tuple = text_[begin] == '(';
    const size_t end = text_.find_first_of(tuple ? ")" : ",}", begin);
    if (end == std::string_view::npos) return {};
    return text_.substr(begin, end - begin + (tuple ? 1 : 0));
  }

  // The numbers of 'shape': (a, b); empty when it is no such list.
  std::vector<uint64_t> shape() const {
    std::string_view left = value("shape");
    std::vector<uint64_t> sizes;
    if (left.size() < 2 || left.front() != '(' || left.back() != ')') return {};
    left = left.substr(1, left.size() - 2);
    while (!left.empty()) {
      const size_t digit = left.find_first_not_of(" ,");
      if (digit == std::string_view::npos) break;
      uint64_t size = 0;
      const auto [end, error] = std::from_chars(left.data() + digit, left.data() + left.size(), size);
      if (error != std::errc{} || sizes.size() == 8) return {};
      sizes.push_back(size);
      left.remove_prefix(static_cast<size_t>(end - left.data()));
    }
    return sizes;
  }

 private:
  std::string_view text_;
};

std::optional<std::string_view> header_text(std::span<const std::byte> file) {
  if (file.size() < 12 || !text_of(file).starts_with(kMagic)) return std::nullopt;
  const auto at = [&file](size_t i) { return std::to_integer<size_t>(file[i]); };
  const bool long_length = at(6) >= 2;  // major version
  const size_t length = at(8) | at(9) << 8 | (long_length ? at(10) << 16 | at(11) << 24 : 0);
  const size_t begin = long_length ? 12 : 10;
  if (length > kMaxHeaderBytes || length > file.size() - begin) return std::nullopt;
  return text_of(file.subspan(begin, length));
}

}  // namespace

float NpyGrid::at(size_t i) const {
  if (number_bytes == 4) {
    float number;
    std::memcpy(&number, data.data() + i * 4, 4);
    return number;
  }
  double number;
  std::memcpy(&number, data.data() + i * 8, 8);
  return static_cast<float>(number);
}

Result<NpyGrid> parse_npy(std::span<const std::byte> file, uint64_t max_numbers) {
  const auto text = header_text(file);
  if (!text) return fail(Errc::kCorrupt, "not a NumPy .npy file");
  const Header header(*text);
  const std::string_view type = header.value("descr");
  if (type != "'<f4'" && type != "'<f8'")
    return fail(Errc::kUnsupported, fmt::format("npy: numbers of type {}; only '<f4' and '<f8' (float32 and float64, "
                                                "little-endian) are supported",
                                                type.substr(0, 20)));
  if (header.value("fortran_order") != "False")
    return fail(Errc::kUnsupported, "npy: Fortran order; save numpy.ascontiguousarray(a) instead");
  const auto shape = header.shape();
  if (shape.size() != 2)
    return fail(Errc::kUnsupported, fmt::format("npy: {} dimensions; 2 are needed: rows, columns", shape.size()));
  if (shape[0] == 0 || shape[1] == 0) return fail(Errc::kCorrupt, "npy: there is nothing in it");
  if (std::max(shape[0], shape[1]) > jobs::kMaxRasterSidePx || shape[0] * shape[1] > max_numbers)
    return fail(Errc::kTooLarge, fmt::format("npy: {} x {} numbers exceed the limit", shape[0], shape[1]));
  NpyGrid grid{static_cast<uint32_t>(shape[0]), static_cast<uint32_t>(shape[1]), type == "'<f4'" ? 4u : 8u, {}};
  const size_t begin = static_cast<size_t>(text->data() - reinterpret_cast<const char*>(file.data())) + text->size();
  const uint64_t bytes = shape[0] * shape[1] * grid.number_bytes;
  if (file.size() - begin < bytes)
    return fail(Errc::kCorrupt, fmt::format("npy: {} bytes of numbers where {} were promised", file.size() - begin, bytes));
  grid.data = file.subspan(begin, static_cast<size_t>(bytes));
  return grid;
}

}  // namespace pairloom::workerproc

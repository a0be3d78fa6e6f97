#include "workerproc/transform/strip_encoder.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// PNG filters (W3C PNG, third edition, 9.2). Paeth throughout with runs and Huffman codes only (Z_RLE, made for this)
// is faster and smaller, on maps and on photographs, than level 1 with any one filter.
constexpr uint8_t kSub = 1, kPaeth = 4;

// `left` and `upper_left` lag `pixel` bytes behind; the first pixel has none (0).
PAIRLOOM_CLONES void filter_paeth(const uint8_t* __restrict row, const uint8_t* __restrict above, size_t bytes,
                                  size_t pixel, uint8_t* __restrict out) {
  for (size_t i = 0; i < pixel; ++i) out[i] = static_cast<uint8_t>(row[i] - above[i]);
  for (size_t i = pixel; i < bytes; ++i) {
    const auto left = static_cast<int16_t>(row[i - pixel]), up = static_cast<int16_t>(above[i]),
               corner = static_cast<int16_t>(above[i - pixel]);
    const auto to_left = static_cast<int16_t>(up - corner), to_up = static_cast<int16_t>(left - corner);
    const auto far_left = static_cast<int16_t>(to_left < 0 ? -to_left : to_left);
    const auto far_up = static_cast<int16_t>(to_up < 0 ? -to_up : to_up);
    const auto both = static_cast<int16_t>(to_left + to_up);
    const auto far_corner = static_cast<int16_t>(both < 0 ? -both : both);
    const int16_t nearer = far_up <= far_corner ? up : corner;
    const int16_t guess = far_left <= far_up && far_left <= far_corner ? left : nearer;
    out[i] = static_cast<uint8_t>(row[i] - guess);
  }
}

void filter_sub(const uint8_t* row, size_t bytes, size_t pixel, uint8_t* out) {
  std::memcpy(out, row, std::min(pixel, bytes));
  for (size_t i = pixel; i < bytes; ++i) out[i] = static_cast<uint8_t>(row[i] - row[i - pixel]);
}

void put_u32(uint32_t value, std::byte* at) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

class PngStrips final : public StripEncoder {
 public:
  static Result<std::unique_ptr<StripEncoder>> make(const jobs::TransformSetup& setup) {
    auto encoder = std::unique_ptr<PngStrips>(new PngStrips(setup));
    // Raw deflate: the zlib stream's header and end are the frame's. 8 bits of memory level: the default.
    if (deflateInit2(&encoder->deflate_, 1, Z_DEFLATED, -15, 8, Z_RLE) != Z_OK)
      return fail(Errc::kTooLarge, "no memory for a compressor");
    encoder->ready_ = true;
    return encoder;
  }
  PngStrips(const PngStrips&) = delete;
  ~PngStrips() override {
    if (ready_) deflateEnd(&deflate_);
  }

  Result<> encode(std::span<const uint8_t> rows, std::vector<std::byte>& out) override {
    filter(rows);
    adler32_ = static_cast<uint32_t>(adler32_z(adler32_, filtered_.data(), filtered_.size()));
    return add_chunk(out);
  }

  uint32_t take_adler32() override { return std::exchange(adler32_, 1); }

 private:
  explicit PngStrips(const jobs::TransformSetup& setup)
      : pixel_(static_cast<size_t>(setup.channels)), row_bytes_(setup.width_px * pixel_) {}

  void filter(std::span<const uint8_t> rows) {
    const size_t count = rows.size() / row_bytes_;
    filtered_.resize(count * (row_bytes_ + 1));
    for (size_t y = 0; y < count; ++y) {
      const uint8_t* row = &rows[y * row_bytes_];
      uint8_t* to = &filtered_[y * (row_bytes_ + 1)];
      to[0] = y == 0 ? kSub : kPaeth;  // the row above the first is another strip's
      if (y == 0)
        filter_sub(row, row_bytes_, pixel_, to + 1);
      else
        filter_paeth(row, row - row_bytes_, row_bytes_, pixel_, to + 1);
    }
  }

  Result<> add_chunk(std::vector<std::byte>& out) {
    constexpr size_t kHead = 8, kTail = 4;  // length and type; CRC
    const size_t begin = out.size(), most = deflateBound(&deflate_, static_cast<uLong>(filtered_.size())) + 16;
    out.resize(begin + kHead + most + kTail);
    auto* chunk = reinterpret_cast<Bytef*>(out.data() + begin);
    deflate_.next_in = filtered_.data();
    deflate_.avail_in = static_cast<uInt>(filtered_.size());
    deflate_.next_out = chunk + kHead;
    deflate_.avail_out = static_cast<uInt>(most);
    // Z_SYNC_FLUSH ends on a byte boundary without ending the stream.
    if (deflate(&deflate_, Z_SYNC_FLUSH) != Z_OK || deflate_.avail_in != 0 || deflate_.avail_out == 0 ||
        deflateReset(&deflate_) != Z_OK)
      return fail(Errc::kIo, "zlib could not compress a strip");
    const auto length = static_cast<size_t>(deflate_.next_out - (chunk + kHead));
    out.resize(begin + kHead + length + kTail);
    chunk = reinterpret_cast<Bytef*>(out.data() + begin);
    put_u32(static_cast<uint32_t>(length), out.data() + begin);
    std::memcpy(chunk + 4, "IDAT", 4);
    const uLong crc = crc32_z(0, chunk + 4, 4 + length);
    put_u32(static_cast<uint32_t>(crc), out.data() + begin + kHead + length);
    return {};
  }

  size_t pixel_, row_bytes_;
  z_stream deflate_{};
  bool ready_ = false;
  uint32_t adler32_ = 1;
  std::vector<uint8_t> filtered_;
};

class PnmStrips final : public StripEncoder {
 public:
  Result<> encode(std::span<const uint8_t> rows, std::vector<std::byte>& out) override {
    const auto bytes = std::as_bytes(rows);
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<StripEncoder>> make_strip_encoder(const jobs::TransformSetup& setup) {
  if (setup.container == jobs::Container::kPng) return PngStrips::make(setup);
  return std::make_unique<PnmStrips>();
}

}  // namespace pairloom::workerproc

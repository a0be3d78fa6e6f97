// Which format a file is of, by its first bytes. An allow list: what is not named here is never decoded. NITF, DICOM,
// DTED and the like are left out on purpose: they are containers for other people's codecs.
#include <algorithm>
#include <array>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  ImageFormat format;
};

// The first match wins: raw formats that begin like TIFF stand before it.
constexpr auto kMagics = std::to_array<Magic>({
    {"\xFF\xD8\xFF"sv, ImageFormat::kJpeg},
    {"\x89PNG\r\n\x1A\n"sv, ImageFormat::kPng},
    {"GIF87a"sv, ImageFormat::kGif},
    {"GIF89a"sv, ImageFormat::kGif},
    {"II*\0\x10\0\0\0CR"sv, ImageFormat::kRaw},  // Canon CR2
    {"IIU\0"sv, ImageFormat::kRaw},              // Panasonic RW2
    {"IIRO"sv, ImageFormat::kRaw},               // Olympus ORF
    {"IIRS"sv, ImageFormat::kRaw},
    {"MMOR"sv, ImageFormat::kRaw},
    {"FUJIFILMCCD-RAW "sv, ImageFormat::kRaw},
    {"FOVb"sv, ImageFormat::kRaw},   // Sigma X3F
    {"\0MRM"sv, ImageFormat::kRaw},  // Minolta
    {"II\x1A\0\0\0HEAPCCDR"sv, ImageFormat::kRaw},  // Canon CRW
    {"II*\0"sv, ImageFormat::kTiff},
    {"MM\0*"sv, ImageFormat::kTiff},
    {"II+\0"sv, ImageFormat::kTiff},  // BigTIFF
    {"MM\0+"sv, ImageFormat::kTiff},
    {"\xFF\x0A"sv, ImageFormat::kJxl},  // bare codestream
    {"\0\0\0\x0CJXL \r\n\x87\n"sv, ImageFormat::kJxl},
    {"\0\0\0\x0CjP  \r\n\x87\n"sv, ImageFormat::kJp2},
    {"\xFF\x4F\xFF\x51"sv, ImageFormat::kJp2},  // bare codestream
    {"8BPS\0\x01"sv, ImageFormat::kPsd},
    {"8BPS\0\x02"sv, ImageFormat::kPsd},
});

// Known to be images, read by nobody here: counted and named instead of passed over.
struct Unread {
  std::string_view bytes, name;
};
constexpr auto kUnread = std::to_array<Unread>({
    {"\x76\x2F\x31\x01"sv, "OpenEXR"},
    {"#?RADIANCE"sv, "Radiance HDR"},
    {"#?RGBE"sv, "Radiance HDR"},
    {"DDS \x7C\0\0\0"sv, "DirectDraw Surface"},
    {"qoif"sv, "QOI"},
    {"gimp xcf "sv, "GIMP XCF"},
    {"SIMPLE  ="sv, "FITS"},
    {"farbfeld"sv, "farbfeld"},
    {"II\xBC\x01"sv, "JPEG XR"},
    {"BPG\xFB"sv, "BPG"},
    {"FLIF"sv, "FLIF"},
    {"\xABKTX "sv, "KTX"},
    {"/* XPM */"sv, "XPM"},
    {"\x8AMNG\r\n\x1A\n"sv, "MNG"},
    {"\x8BJNG\r\n\x1A\n"sv, "JNG"},
    {"PF\n"sv, "PFM"},
    {"Pf\n"sv, "PFM"},
});

// ISO base media files (ISO/IEC 14496-12): the brands say what is inside. MP4 and QuickTime have other brands: no
// image.
ImageFormat sniff_brands(const ByteReader& head) {
  constexpr auto kAvif = std::to_array({"avif"sv, "avis"sv});
  constexpr auto kHeif = std::to_array(
      {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "hevm"sv, "hevs"sv, "mif1"sv, "msf1"sv});
  const size_t box_bytes = std::min<size_t>(ByteReader(head.slice(0, 4), true).u32(0).value_or(0), kSniffBytes);
  const auto is_any = [&](size_t at, const auto& brands) {
    return std::ranges::any_of(brands, [&](std::string_view brand) { return head.starts_with(brand, at); });
  };
  if (head.starts_with("crx ", 8)) return ImageFormat::kRaw;  // Canon CR3
  if (is_any(8, kAvif)) return ImageFormat::kAvif;
  if (!is_any(8, kHeif)) return ImageFormat::kUnknown;
  for (size_t at = 16; at + 4 <= box_bytes; at += 4)  // mif1 is a family; a compatible brand tells which member
    if (is_any(at, kAvif)) return ImageFormat::kAvif;
  return ImageFormat::kHeif;
}

// "BM" alone is a common beginning of text: the size of the info header must be one that exists.
bool is_bmp(const ByteReader& head) {
  constexpr auto kHeaderBytes = std::to_array<uint32_t>({12, 16, 40, 52, 56, 64, 108, 124});
  const uint32_t header_bytes = head.u32(14).value_or(0);
  return head.starts_with("BM") && std::ranges::find(kHeaderBytes, header_bytes) != kHeaderBytes.end();
}

// "P1".."P7" followed by white space or a comment, then a digit, a comment or (P7) a keyword.
bool is_pnm(const ByteReader& head) {
  const auto at = [&](size_t i) { return static_cast<char>(head.u8(i).value_or(0)); };
  const auto is_space = [](char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
  };
  if (at(0) != 'P' || at(1) < '1' || at(1) > '7') return false;
  if (at(1) == '7') return at(2) == '\n' && (at(3) == '#' || (at(3) >= 'A' && at(3) <= 'Z'));
  if (at(2) == '#') return true;
  size_t i = 2;
  while (is_space(at(i))) ++i;
  return i > 2 && (at(i) == '#' || (at(i) >= '0' && at(i) <= '9'));
}

// Windows icons and cursors: reserved 0, type 1 or 2, a small count, and the reserved byte of the first entry.
bool is_ico(const ByteReader& head) {
  const uint32_t type = head.u16(2).value_or(0), count = head.u16(4).value_or(0);
  return head.u16(0) == 0u && (type == 1 || type == 2) && count >= 1 && count <= 256 && head.u8(9) == 0u &&
         head.has(0, 22);
}

}  // namespace

ImageFormat sniff(std::span<const std::byte> bytes) {
  const ByteReader head(bytes.first(std::min(bytes.size(), kSniffBytes)));
  for (const Magic& magic : kMagics)
    if (head.starts_with(magic.bytes)) return magic.format;
  if (head.starts_with("RIFF") && head.starts_with("WEBP", 8)) return ImageFormat::kWebp;
  if (head.starts_with("ftyp", 4)) return sniff_brands(head);
  if (is_bmp(head)) return ImageFormat::kBmp;
  if (is_pnm(head)) return ImageFormat::kPnm;
  if (is_ico(head)) return ImageFormat::kIco;
  return ImageFormat::kUnknown;
}

std::string_view name_of_unread(std::span<const std::byte> bytes) {
  const ByteReader head(bytes);
  for (const Unread& unread : kUnread)
    if (head.starts_with(unread.bytes)) return unread.name;
  return {};
}

}  // namespace pairloom::workerproc

// Files made to hurt: broken off at every kind of place, lying headers, bombs, random damage. None may crash, hang or
// read outside of its bytes (these tests are run under AddressSanitizer and UBSan), and each must end in a picture or
// in a reason.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {
namespace {

using test::Bytes;

constexpr DecodeRequest kGray{};
constexpr DecodeRequest kBgr{.layout = PixelLayout::kBgr, .min_short_side_px = 0};

Bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return Bytes(begin, begin + text.size());
}
void put_u32(Bytes& bytes, size_t at, uint32_t value, bool big_endian) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (big_endian ? 24 - 8 * i : 8 * i));
}
size_t find(const Bytes& bytes, std::string_view text) {
  const auto* found = memmem(bytes.data(), bytes.size(), text.data(), text.size());
  EXPECT_NE(found, nullptr) << text;
  return static_cast<size_t>(static_cast<const std::byte*>(found) - bytes.data());
}

// What every outcome must satisfy. Reads every pixel, so that AddressSanitizer sees them.
void check(const Result<>& decoded, const Picture& picture, const std::string& what) {
  if (!decoded) {
    EXPECT_FALSE(decoded.error().message.empty()) << what;
    EXPECT_TRUE(decoded.error().code == Errc::kCorrupt || decoded.error().code == Errc::kUnsupported ||
                decoded.error().code == Errc::kTooLarge)
        << what;
    return;
  }
  EXPECT_GE(picture.pixels.size(), size_t{picture.stride_bytes} * picture.height_px) << what;
  EXPECT_EQ(picture.width_px, (picture.full_width_px + picture.reduction - 1) / picture.reduction) << what;
  EXPECT_TRUE(picture.orientation >= 1 && picture.orientation <= 8) << what;
  EXPECT_EQ(picture.damaged, !picture.warning.empty()) << what;
  const cv::Scalar sum = cv::sum(test::pixels_of(picture));
  EXPECT_GE(sum[0], 0) << what;
}

Errc error_of(const Bytes& file) {
  Picture picture;
  const auto decoded = decode(file, kGray, picture);
  EXPECT_FALSE(decoded);
  check(decoded, picture, "");
  return decoded ? Errc::kIo : decoded.error().code;
}

// The copy is exactly as long as its content: one byte too far is seen.
Bytes first_bytes(const Bytes& file, size_t count) {
  return Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(count));
}

TEST(Truncated, FilesAreCorruptOrDamagedWhereverTheyEnd) {
  Picture picture;
  for (const auto& file : test::sample_files(60, 61, 47)) {
    for (size_t length = 0; length < file.bytes.size(); length += length < 100 ? 1 : 37) {
      const std::string what =
          file.name + " of " + std::to_string(file.bytes.size()) + " bytes at " + std::to_string(length);
      const auto decoded = decode(first_bytes(file.bytes, length), length % 2 == 0 ? kGray : kBgr, picture);
      check(decoded, picture, what);
      // Regression guard: TurboJPEG 2.1 kept the state of a file whose header broke off, and all files after it failed.
      ASSERT_TRUE(decode(file.bytes, kGray, picture)) << "after " << what;
      ASSERT_FALSE(picture.damaged) << "after " << what;
    }
    // Without its second half no picture is whole.
    const auto decoded = decode(first_bytes(file.bytes, file.bytes.size() / 2), kGray, picture);
    EXPECT_TRUE(!decoded || picture.damaged || picture.animated) << file.name;
  }
}

TEST(Truncated, JpegIsDecodedAsFarAsItGoesAndMarked) {
  const Bytes whole = test::encode_jpeg(test::draw_picture(61, 200, 160));
  Picture picture;
  const auto decoded = decode(first_bytes(whole, whole.size() * 3 / 4), kGray, picture);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(picture.damaged);
  EXPECT_EQ(picture.warning, "JPEG: Premature end of JPEG file");
}

TEST(Truncated, OtherFormatsAreCorruptWithAReason) {
  const cv::Mat image = test::draw_picture(62, 100, 80);
  Picture picture;
  for (const Bytes& whole : {test::encode_png(image), test::encode_webp(image), test::encode_tiff(image),
                             test::encode_gif(image), test::encode_bmp(image), test::encode_pnm(image, 6),
                             test::encode_heif(image), test::encode_heif(image, {.av1 = true}),
                             test::encode_jxl(image), test::encode_jp2(image), test::encode_psd(image),
                             test::encode_ico(image), test::encode_dng(image)}) {
    const auto decoded = decode(first_bytes(whole, whole.size() * 3 / 4), kGray, picture);
    ASSERT_FALSE(decoded) << name_of(picture.format);
    EXPECT_EQ(decoded.error().code, Errc::kCorrupt) << decoded.error().message;
    EXPECT_GT(decoded.error().message.size(), 10u);
  }
}

TEST(Hostile, HeadersThatClaimTooMuchAreRefusedBeforeAnythingIsAllocated) {
  const cv::Mat image = test::draw_picture(63, 40, 30);
  Bytes png = test::encode_png(image), gif = test::encode_gif(image), bmp = test::encode_bmp(image),
        jpeg = test::encode_jpeg(image);
  put_u32(png, 16, 0x7FFFFFFF, true);
  put_u32(bmp, 18, 0x7FFFFFFF, false);
  for (size_t i = 6; i < 10; ++i) gif[i] = std::byte{0xFF};  // logical screen 65535 x 65535
  const size_t frame = find(jpeg, std::string_view("\xFF\xC0", 2));
  for (size_t i = 5; i < 9; ++i) jpeg[frame + i] = std::byte{0xFF};
  Bytes large_jpeg = jpeg;  // 62194 x 62194: libjpeg would take it
  for (size_t i = 5; i < 9; ++i) large_jpeg[frame + i] = std::byte{0xF2};
  EXPECT_EQ(error_of(png), Errc::kTooLarge);
  EXPECT_EQ(error_of(bmp), Errc::kTooLarge);
  EXPECT_EQ(error_of(gif), Errc::kTooLarge);
  EXPECT_EQ(error_of(jpeg), Errc::kTooLarge);
  EXPECT_EQ(error_of(large_jpeg), Errc::kTooLarge);
  EXPECT_EQ(error_of(bytes_of("P6 4000000000 4000000000 255\n123")), Errc::kTooLarge);
  EXPECT_EQ(error_of(bytes_of("P5 99999999999999999999 1 255\n123")), Errc::kTooLarge);
}

TEST(Hostile, PicturesWithoutPixelsAreCorrupt) {
  const cv::Mat image = test::draw_picture(64, 40, 30);
  Bytes png = test::encode_png(image), bmp = test::encode_bmp(image), gif = test::encode_gif(image),
        jpeg = test::encode_jpeg(image);
  put_u32(png, 20, 0, true);
  put_u32(bmp, 22, 0, false);
  const size_t descriptor = find(gif, std::string_view(",\0\0\0\0", 5));
  for (size_t i = 5; i < 9; ++i) gif[descriptor + i] = std::byte{0};
  const size_t frame = find(jpeg, std::string_view("\xFF\xC0", 2));
  jpeg[frame + 7] = jpeg[frame + 8] = std::byte{0};
  for (const Bytes& file : {png, bmp, gif, jpeg, bytes_of("P4 0 5\n"), bytes_of("P1\n5 0\n")})
    EXPECT_EQ(error_of(file), Errc::kCorrupt);
}

TEST(Hostile, HeadersLargerThanTheirDataAreCorrupt) {
  Bytes bmp = test::encode_bmp(test::draw_picture(65, 40, 30));
  put_u32(bmp, 18, 4000, false);
  EXPECT_EQ(error_of(bmp), Errc::kCorrupt);
  put_u32(bmp, 10, 0xFFFFFF00, false);  // pixels beyond the end
  EXPECT_EQ(error_of(bmp), Errc::kCorrupt);
  EXPECT_EQ(error_of(bytes_of("P5 3000 3000 255\nabc")), Errc::kCorrupt);
  EXPECT_EQ(error_of(bytes_of("P2 30 30 0\n1 2 3")), Errc::kCorrupt);
}

// A lossless WebP may claim 16383 x 16383 pixels, 1 GB while it is decoded, in a few bytes.
TEST(Hostile, ATinyWebpThatClaimsTheLargestPictureIsRefused) {
  Bytes webp = test::encode_webp(cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(9)), {.lossless = true});
  ASSERT_LT(webp.size(), 60u);
  put_u32(webp, 21, 16382u | 16382u << 14, false);  // VP8L: 14 bits of width - 1, 14 of height - 1
  Picture picture;
  const auto decoded = decode(webp, kGray, picture);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::kTooLarge) << decoded.error().message;
  EXPECT_NE(decoded.error().message.find("16383x16383"), std::string::npos);
}

TEST(Hostile, AGiantPngTextIsSkippedUnread) {
  const Bytes png = test::encode_png(test::draw_picture(66, 40, 30), {.text = std::string(200'000'000, 'x')});
  ASSERT_LT(png.size(), 1'000'000u) << "a bomb is small";
  Picture picture;
  const auto decoded = decode(png, kGray, picture);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_FALSE(picture.damaged);
}

TEST(Hostile, APngChunkLongerThanTheFileIsCorrupt) {
  Bytes png = test::encode_png(test::draw_picture(67, 40, 30), {.text = "text"});
  const size_t chunk = find(png, "zTXt") - 4;
  for (const uint32_t length : {0x7FFFFFFFu, 0xFFFFFFFFu, 100'000'000u}) {
    put_u32(png, chunk, length, true);
    EXPECT_EQ(error_of(png), Errc::kCorrupt);
  }
}

TEST(Hostile, APngWithAWrongChecksumIsDamaged) {
  Bytes png = test::encode_png(test::draw_picture(68, 40, 30));
  const size_t end = find(png, "IEND") - 4;
  png[end - 1] ^= std::byte{1};  // of the last IDAT
  Picture picture;
  ASSERT_TRUE(decode(png, kGray, picture));
  EXPECT_TRUE(picture.damaged);
  EXPECT_NE(picture.warning.find("CRC"), std::string::npos) << picture.warning;
}

TEST(Hostile, ATiffWhoseDirectoriesFormALoopIsDecodedOnce) {
  Bytes tiff = test::encode_tiff(test::draw_picture(69, 40, 30));
  uint32_t ifd = 0;
  memcpy(&ifd, &tiff[4], 4);
  uint16_t entries = 0;
  memcpy(&entries, &tiff[ifd], 2);
  put_u32(tiff, ifd + 2 + 12u * entries, ifd, false);  // the next directory is this one
  Picture picture;
  const auto decoded = decode(tiff, kGray, picture);
  check(decoded, picture, "loop");
  EXPECT_EQ(error_of(bytes_of(std::string_view("II*\0\x04\0\0\0", 8))), Errc::kCorrupt);
}

TEST(Hostile, ATiffWithGiantTilesIsRefused) {
  Bytes tiff = test::encode_tiff(test::draw_picture(70, 100, 80),
                                 {.compression = test::TiffOptions::Compression::kNone, .tiled = true});
  const size_t tile_width = find(tiff, std::string_view("\x42\x01", 2));  // tag 322, SHORT, 1, value
  put_u32(tiff, tile_width + 2, 4 | 1u << 16, false);                     // now LONG
  put_u32(tiff, tile_width + 8, 0x7FFFFFF0, false);
  Picture picture;
  check(decode(tiff, kGray, picture), picture, "tiles");
  EXPECT_NE(error_of(tiff), Errc::kUnsupported);
}

TEST(Hostile, AProgressiveJpegMayNotScanForEver) {
  Bytes jpeg = test::encode_jpeg(test::draw_picture(71, 40, 30),
                                 {.colour = test::JpegOptions::Colour::kGray, .progressive = true});
  const size_t scan = find(jpeg, std::string_view("\xFF\xDA", 2));
  const size_t next =
      scan + 2 + static_cast<size_t>(memmem(&jpeg[scan + 2], jpeg.size() - scan - 2, "\xFF\xC4", 2) == nullptr ? 0 : 1);
  ASSERT_GT(next, scan + 2);
  size_t end = scan + 2;
  while (!(jpeg[end] == std::byte{0xFF} && jpeg[end + 1] != std::byte{0})) ++end;
  const Bytes one(jpeg.begin() + static_cast<ptrdiff_t>(scan), jpeg.begin() + static_cast<ptrdiff_t>(end));
  Bytes many = first_bytes(jpeg, scan);
  for (int i = 0; i < 600; ++i) many.insert(many.end(), one.begin(), one.end());
  many.insert(many.end(), jpeg.begin() + static_cast<ptrdiff_t>(end), jpeg.end());
  Picture picture;
  const auto decoded = decode(many, kGray, picture);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::kTooLarge);
  EXPECT_NE(decoded.error().message.find(" scans exceed the limit of 500"), std::string::npos)
      << decoded.error().message;
  DecodeRequest patient = kGray;
  patient.max_scans = 700;
  EXPECT_TRUE(decode(many, patient, picture));
}

// SplitMix64, as in tests/support/draw.cpp.
uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Bytes changed, numbers blown up, pieces cut out or doubled.
Bytes mutated(const Bytes& file, uint64_t& random) {
  Bytes bytes = file;
  const auto place = [&] { return static_cast<ptrdiff_t>(next_random(random) % bytes.size()); };
  for (uint64_t n = 1 + next_random(random) % 4; n > 0; --n) {
    const ptrdiff_t at = next_random(random) % 3 == 0 ? place() : place() % std::min<ptrdiff_t>(200, std::ssize(bytes));
    const ptrdiff_t length =
        std::min<ptrdiff_t>(1 + static_cast<ptrdiff_t>(next_random(random) % 8), std::ssize(bytes) - at);
    switch (next_random(random) % 6) {
      case 0:
        bytes[static_cast<size_t>(at)] ^= static_cast<std::byte>(1u << next_random(random) % 8);
        break;
      case 1:
        bytes[static_cast<size_t>(at)] = static_cast<std::byte>(next_random(random));
        break;
      case 2:
        std::fill_n(bytes.begin() + at, length, std::byte{0xFF});
        break;
      case 3:
        std::fill_n(bytes.begin() + at, length, std::byte{0});
        break;
      case 4:
        bytes.insert(bytes.begin() + at, static_cast<size_t>(length), static_cast<std::byte>(next_random(random)));
        break;
      default:
        if (bytes.size() > 64) bytes.erase(bytes.begin() + at, bytes.begin() + at + length);
    }
  }
  return bytes;
}

// Camera raws are no sample files: their colours are the camera's.
std::vector<test::SampleFile> all_files(uint64_t seed, int width, int height) {
  std::vector<test::SampleFile> files = test::sample_files(seed, width, height);
  const cv::Mat image = test::draw_picture(seed, width, height);
  for (const int preview : {0, 300})
    files.push_back({preview > 0 ? "dng with preview" : "dng", ImageFormat::kRaw,
                     test::encode_dng(image, {.preview_width = preview, .preview_height = preview * height / width}), image, 255});
  return files;
}

TEST(Mutated, FilesEndInAPictureOrAReason) {
  constexpr int kPerFile = 400;
  Picture picture;
  uint64_t random = 1;
  for (const auto& file : all_files(72, 45, 33)) {
    for (int i = 0; i < kPerFile; ++i) {
      DecodeRequest request = i % 2 == 0 ? kGray : kBgr;
      request.min_short_side_px = i % 4 == 0 ? 8 : 0;
      request.max_pixels = 2'000'000;
      const Bytes bytes = mutated(file.bytes, random);
      const std::string what = file.name + " mutation " + std::to_string(i);
      check(decode(bytes, request, picture), picture, what);
      ASSERT_TRUE(decode(file.bytes, request, picture)) << "after " << what;
      ASSERT_FALSE(picture.damaged) << "after " << what;
    }
  }
}

}  // namespace
}  // namespace pairloom::workerproc

// Encoders for tests: a cv::Mat -> the bytes of a file, in every format and variant that pairloom reads. Written with
// the codec libraries or by hand, so that they share no code with the decoders under test. An impossible request
// aborts. Runs in: tests, sample makers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>
#include <span>
#include <string>
#include <vector>

namespace pairloom::test {

using Bytes = std::vector<std::byte>;

// Images are CV_8UC1 (gray), CV_8UC3 (BGR) or CV_8UC4 (BGRA); each encoder converts to what the variant stores.

// A TIFF-structured EXIF block that holds the orientation 1..8 and nothing else; without the "Exif\0\0" prefix of JPEG.
Bytes exif_block(int orientation, bool big_endian = false);

struct JpegOptions {
  enum class Colour { kYcc, kGray, kRgb, kCmyk, kYcck };
  enum class Subsampling { k444, k422, k420, k440, k411, k410 };
  int quality = 90;
  Colour colour = Colour::kYcc;
  Subsampling subsampling = Subsampling::k420;
  bool progressive = false;
  bool arithmetic = false;  // valid JPEG that hardly any program writes
  int restart_mcus = 0;     // restart interval; 0 = none
  int orientation = 0;      // 0 = no EXIF block
  bool big_endian_exif = false;
};
Bytes encode_jpeg(const cv::Mat& image, const JpegOptions& options = {});

struct PngOptions {
  enum class Colour { kGray, kGrayAlpha, kRgb, kRgba, kPalette, kPaletteAlpha };
  Colour colour = Colour::kRgb;  // kPalette: 6x7x6 colour cube, dithered; kPaletteAlpha: its last entry is transparent
  int bits = 8;                  // 1, 2, 4, 8, 16 for gray; 8, 16 for the others; palette 8
  bool interlaced = false;
  int compression = 1;
  int orientation = 0;  // eXIf chunk; 0 = none
  std::string text{};   // a zTXt chunk, if not empty
  int filter = -1;      // 0..4 for all rows; -1: libpng chooses row by row
};
Bytes encode_png(const cv::Mat& image, const PngOptions& options = {});

struct WebpOptions {
  bool lossless = false;
  float quality = 85;
  int orientation = 0;  // EXIF chunk; 0 = none
  int frames = 1;       // more: an animation whose later frames are black
};
Bytes encode_webp(const cv::Mat& image, const WebpOptions& options = {});  // CV_8UC4 keeps its alpha

struct TiffOptions {
  enum class Colour { kGray, kMinIsWhite, kRgb, kRgba, kPalette, kCmyk };
  enum class Compression { kNone, kLzw, kDeflate, kPackBits, kJpeg };
  Colour colour = Colour::kRgb;
  Compression compression = Compression::kLzw;
  int bits = 8;        // 1 (gray), 8, 16
  bool tiled = false;  // 64 x 64; else strips of `rows_per_strip`
  int rows_per_strip = 16;
  bool planar = false;  // one plane per channel
  bool big_endian = false;
  int orientation = 0;      // tag 274; 0 = no tag
  bool camera_raw = false;  // with the DNGVersion tag
  int pages = 1;            // more: further black pages
  int levels = 0;           // behind them pictures of a half, a quarter, ... marked as reduced; of the gray 40, 80, ...
};
Bytes encode_tiff(const cv::Mat& image, const TiffOptions& options = {});

struct GifOptions {
  int frames = 1;  // more: the later frames are black
  bool interlaced = false;
  bool transparent = false;  // where CV_8UC4's alpha is below 128
};
Bytes encode_gif(const cv::Mat& image, const GifOptions& options = {});

struct BmpOptions {
  int bits = 24;  // 1 (black and white), 8 (gray palette), 16 (5-5-5), 24, 32
  bool top_down = false;
  bool rle = false;  // 8 bits only
};
Bytes encode_bmp(const cv::Mat& image, const BmpOptions& options = {});

// `kind` 1..6 as in P1..P6; `max_value` 1..65535 for the gray and colour kinds.
Bytes encode_pnm(const cv::Mat& image, int kind, int max_value = 255);

// HEIC or AVIF: coded by libheif's encoders, put into a container of our own. Without alpha and with one channel it is
// one plane of luma at full range. A side below 64 is coded as 64 and cut to size by a clean aperture.
struct HeifOptions {
  bool av1 = false;
  bool lossless = false;  // exact for one channel
  int quality = 90;
  int columns = 1, rows = 1;  // tiles
  int quarters = 0;           // irot: turned anticlockwise
  int mirror = -1;            // imir: 0 upside down, 1 left to right; applied after the turn
  bool sequence = false;      // says that it holds an image sequence beside its picture
  bool scattered = false;     // data in two extents
};
Bytes encode_heif(const cv::Mat& image, const HeifOptions& options = {});  // CV_8UC4 keeps its alpha

struct JxlOptions {
  bool lossless = false;
  float distance = 1;
  int bits = 8;         // or 16
  int orientation = 1;
  int frames = 1;       // more: an animation whose later frames are black
  bool container = false;
};
Bytes encode_jxl(const cv::Mat& image, const JxlOptions& options = {});  // keeps the number of channels

struct Jp2Options {
  bool lossless = true;  // 5/3 with the reversible colour transform; else 9/7 and YCbCr
  float ratio = 8;       // of sizes, when lossy
  bool bare = false;     // a codestream without boxes
  int bits = 8;          // or 16
  int tile_side = 0;     // 0 = one tile
};
Bytes encode_jp2(const cv::Mat& image, const Jp2Options& options = {});  // keeps the number of channels

struct PsdOptions {
  enum class Colour { kBitmap, kGray, kPalette, kRgb, kCmyk };
  Colour colour = Colour::kRgb;
  int bits = 8;  // or 16
  bool run_lengths = true;
  bool big = false;  // PSB
  bool composite = true;         // false: says that there is none
  bool transparent = false;      // with a channel that says where layers were; the composite is opaque all the same
};
Bytes encode_psd(const cv::Mat& image, const PsdOptions& options = {});

struct IcoOptions {
  int bits = 32;        // 1 and 8 (gray palettes), 24, 32; those below 32 with a mask
  bool png = false;
  bool cursor = false;
  bool smaller_first = false;  // a black picture of half the size before the one that counts
};
Bytes encode_ico(const cv::Mat& image, const IcoOptions& options = {});  // CV_8UC4 keeps its alpha, of 1 bit below 32 bits

// A DNG: a Bayer mosaic of the picture, uncompressed, and in front of it a JPEG of the picture where asked for.
struct DngOptions {
  int preview_width = 0, preview_height = 0;  // 0 = none; of another shape than the picture: stretched
  int orientation = 1;
};
Bytes encode_dng(const cv::Mat& image, const DngOptions& options = {});

}  // namespace pairloom::test

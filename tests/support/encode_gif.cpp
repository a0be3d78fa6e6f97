#include <gif_lib.h>
#include <cstdlib>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

constexpr int kTransparentIndex = kCubeColours;

int on_write(GifFileType* gif, const GifByteType* data, int size) {
  auto& out = *static_cast<Bytes*>(gif->UserData);
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  out.insert(out.end(), begin, begin + size);
  return size;
}

void put_control_block(GifFileType* gif, bool transparent) {
  GraphicsControlBlock control{};
  control.DelayTime = 10;
  control.TransparentColor = transparent ? kTransparentIndex : NO_TRANSPARENT_COLOR;
  GifByteType extension[4];
  EGifGCBToExtension(&control, extension);
  EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, sizeof extension, extension);
}

void put_frame(GifFileType* gif, const cv::Mat& indices, bool interlaced) {
  EGifPutImageDesc(gif, 0, 0, indices.cols, indices.rows, interlaced, nullptr);
  static constexpr int kPasses[4][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};  // GIF89a specification, appendix E
  const auto put_row = [&](int y) {
    if (EGifPutLine(gif, const_cast<uchar*>(indices.ptr(y)), indices.cols) != GIF_OK) abort();
  };
  if (interlaced) {
    for (const auto& [first, step] : kPasses)
      for (int y = first; y < indices.rows; y += step) put_row(y);
  } else {
    for (int y = 0; y < indices.rows; ++y) put_row(y);
  }
}

}  // namespace

Bytes encode_gif(const cv::Mat& image, const GifOptions& options) {
  Bytes out;
  int error = 0;
  GifFileType* gif = EGifOpen(&out, on_write, &error);
  if (gif == nullptr) abort();
  EGifSetGifVersion(gif, true);
  ColorMapObject* map = GifMakeMapObject(256, nullptr);
  for (int i = 0; i < kCubeColours; ++i) {
    const cv::Vec3b c = cube_colour(i);
    map->Colors[i] = {c[2], c[1], c[0]};
  }
  EGifPutScreenDesc(gif, image.cols, image.rows, 8, 0, map);
  cv::Mat indices = to_cube(with_channels(image, 3));
  if (options.transparent) {
    cv::Mat alpha;
    cv::extractChannel(with_channels(image, 4), alpha, 3);
    indices.setTo(kTransparentIndex, alpha < 128);
  }
  if (options.frames > 1 || options.transparent) put_control_block(gif, options.transparent);
  put_frame(gif, indices, options.interlaced);
  for (int i = 1; i < options.frames; ++i) {
    put_control_block(gif, false);
    put_frame(gif, cv::Mat::zeros(image.size(), CV_8UC1), options.interlaced);
  }
  GifFreeMapObject(map);
  if (EGifCloseFile(gif, &error) != GIF_OK) abort();
  return out;
}

}  // namespace pairloom::test

// AV1 by dav1d.
#include <dav1d/dav1d.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "workerproc/decode/coded_picture.h"

namespace pairloom::workerproc {
namespace {

struct Context {
  Dav1dContext* dav1d = nullptr;
  Dav1dPicture picture{};
  Context() = default;
  ~Context() {
    if (picture.data[0] != nullptr) dav1d_picture_unref(&picture);
    if (dav1d != nullptr) dav1d_close(&dav1d);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

tl::unexpected<Error> failed(int result) {
  if (result == DAV1D_ERR(ENOMEM)) return fail(Errc::kTooLarge, "not enough memory to decode it");
  if (result == DAV1D_ERR(ERANGE)) return fail(Errc::kCorrupt, "the picture is larger than the file says");
  if (result == DAV1D_ERR(ENOPROTOOPT)) return fail(Errc::kUnsupported, "uses a feature dav1d does not have");
  return fail(Errc::kCorrupt, "damaged AV1 data");
}

YuvPlanes planes_of(const Dav1dPicture& picture) {
  YuvPlanes planes;
  planes.width = static_cast<uint32_t>(picture.p.w);
  planes.height = static_cast<uint32_t>(picture.p.h);
  planes.has_chroma = picture.p.layout != DAV1D_PIXEL_LAYOUT_I400;
  planes.chroma_shift_x = picture.p.layout == DAV1D_PIXEL_LAYOUT_I444 ? 0 : 1;
  planes.chroma_shift_y = picture.p.layout == DAV1D_PIXEL_LAYOUT_I420 ? 1 : 0;
  for (size_t c = 0; c < (planes.has_chroma ? 3u : 1u); ++c)
    planes.planes[c] = {static_cast<const uint8_t*>(picture.data[c]), picture.stride[c > 0 ? 1 : 0],
                        static_cast<uint8_t>(picture.p.bpc)};
  planes.colour = {static_cast<uint8_t>(picture.seq_hdr->mtrx), picture.seq_hdr->color_range != 0};
  return planes;
}

Result<> decode_first(Context& context, std::span<const std::byte> bytes) {
  Dav1dData data{};
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  if (const int result = dav1d_data_wrap(&data, begin, bytes.size(), [](const uint8_t*, void*) {}, nullptr); result < 0)
    return failed(result);
  const auto release = [](Dav1dData* left) { dav1d_data_unref(left); };
  const std::unique_ptr<Dav1dData, decltype(release)> owner(&data, release);
  // The second time without new data it gives what it has held back for a better layer.
  for (int asked_again = 0; asked_again < 2;) {
    if (data.sz == 0) ++asked_again;
    int result = data.sz > 0 ? dav1d_send_data(context.dav1d, &data) : 0;
    if (result < 0 && result != DAV1D_ERR(EAGAIN)) return failed(result);
    result = dav1d_get_picture(context.dav1d, &context.picture);
    if (result == 0) return {};
    if (result != DAV1D_ERR(EAGAIN)) return failed(result);
  }
  return fail(Errc::kCorrupt, "there is no AV1 picture in it");
}

}  // namespace

Result<CodedPicture> decode_av1(std::span<const std::byte> /*config*/, std::span<const std::byte> data,
                                const CodedPictureLimits& limits) {
  if (data.empty()) return fail(Errc::kCorrupt, "there is no AV1 picture in it");
  Dav1dSettings settings;
  dav1d_default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.apply_grain = 0;  // noise that the encoder took out
  settings.all_layers = 0;
  settings.frame_size_limit = static_cast<unsigned>(
      std::min<uint64_t>((uint64_t{limits.width} + 64) * (uint64_t{limits.height} + 64), UINT32_MAX));
  settings.logger.callback = nullptr;
  if (limits.unfiltered) settings.inloop_filters = DAV1D_INLOOPFILTER_NONE;
  auto context = std::make_shared<Context>();
  if (dav1d_open(&context->dav1d, &settings) < 0) return fail(Errc::kTooLarge, "no memory for the AV1 decoder");
  PAIRLOOM_TRY(decode_first(*context, data));
  CodedPicture picture;
  picture.planes = planes_of(context->picture);
  picture.owner = std::move(context);
  return picture;
}

std::string av1_library() {
  return fmt::format("dav1d {}", dav1d_version());
}

}  // namespace pairloom::workerproc

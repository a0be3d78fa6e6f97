#include "workerproc/transform/row_source.h"

#include <vector>

#include "workerproc/transform/resize.h"
#include "workerproc/transform/row_map.h"
#include "workerproc/transform/sample.h"
#include "workerproc/transform/tutorial_mercator.h"

namespace pairloom::workerproc {
namespace {

using jobs::Interpolation;
using jobs::MapKind;

// Rows in the source's kind of pixel (1 or 4 bytes) -> rows in the output's channels.
class PackedRows : public RowSource {
 public:
  PackedRows(const jobs::TransformSetup& setup, bool colour)
      : width_(setup.width_px), drop_alpha_(setup.channels == jobs::Channels::kRgb && colour) {
    if (drop_alpha_) pixels_.resize(width_ * 4);
  }

  void row(size_t y, uint8_t* out) final {
    if (!drop_alpha_) return compute(y, out);
    compute(y, pixels_.data());
    const uint8_t* in = pixels_.data();
    for (size_t x = 0; x < width_; ++x, in += 4, out += 3) {
      out[0] = in[0];
      out[1] = in[1];
      out[2] = in[2];
    }
  }

 protected:
  virtual void compute(size_t y, uint8_t* pixels) = 0;
  size_t width_;

 private:
  bool drop_alpha_;
  std::vector<uint8_t> pixels_;
};

class MappedRows final : public PackedRows {
 public:
  MappedRows(const jobs::TransformSetup& setup, const TransformInput& input, std::unique_ptr<RowMap> map)
      : PackedRows(setup, input.source.colour),
        map_(std::move(map)),
        sampler_(input.source, setup.interpolation == Interpolation::kAuto ? Interpolation::kBilinear : setup.interpolation,
                 map_->wraps(), setup.fill),
        x_(width_),
        y_(width_) {}

 private:
  void compute(size_t y, uint8_t* pixels) override {
    map_->row(y, x_, y_);
    sampler_.sample(x_, y_, pixels);
  }

  std::unique_ptr<RowMap> map_;
  Sampler sampler_;
  std::vector<double> x_, y_;
};

// TutorialMercator or ResizeRows, which have their own way to pixels.
template <class Rows>
class OwnRows final : public PackedRows {
 public:
  OwnRows(const jobs::TransformSetup& setup, bool colour, Rows rows) : PackedRows(setup, colour), rows_(std::move(rows)) {}

 private:
  void compute(size_t y, uint8_t* pixels) override { rows_.row(y, pixels); }
  Rows rows_;
};

Result<> check(const jobs::TransformSetup& setup, const TransformInput& input) {
  const bool gray = setup.channels == jobs::Channels::kGray;
  if (gray == input.source.colour) return fail(Errc::kInvalidArgument, "transform: channels do not fit the source");
  if (setup.precision == jobs::Precision::kTutorial &&
      (setup.map != MapKind::kTransverseMercator || setup.width_px != input.source.width ||
       setup.height_px != input.source.height))
    return fail(Errc::kInvalidArgument, "transform: the tutorial knows transverse Mercator in the source's size only");
  const size_t pixels = size_t{setup.width_px} * setup.height_px;
  if (setup.map == MapKind::kRemap && (input.map_x.size() != pixels || input.map_y.size() != pixels))
    return fail(Errc::kInvalidArgument, "transform: the maps have not the output's size");
  if (setup.interpolation == Interpolation::kArea && setup.map != MapKind::kResize)
    return fail(Errc::kInvalidArgument, "transform: area interpolation is for resizing");
  return {};
}

}  // namespace

Result<std::unique_ptr<RowSource>> make_row_source(const jobs::TransformSetup& setup, const TransformInput& input) {
  PAIRLOOM_TRY(check(setup, input));
  const PictureView& source = input.source;
  const auto mapped = [&](std::unique_ptr<RowMap> map) {
    return std::make_unique<MappedRows>(setup, input, std::move(map));
  };
  if (setup.precision == jobs::Precision::kTutorial)
    return std::make_unique<OwnRows<TutorialMercator>>(setup, source.colour, TutorialMercator(source));
  switch (setup.map) {
    case MapKind::kTransverseMercator:
    case MapKind::kMercator:
    case MapKind::kEquirectangular:
      return mapped(make_projection(setup));
    case MapKind::kRotate:
      return mapped(make_rotation(setup));
    case MapKind::kResize:
      return std::make_unique<OwnRows<ResizeRows>>(
          setup, source.colour, ResizeRows(source, setup.width_px, setup.height_px, setup.interpolation));
    case MapKind::kRemap:
      return mapped(make_remap(setup, input.map_x, input.map_y));
  }
  return fail(Errc::kInvalidArgument, "transform: unknown map");
}

}  // namespace pairloom::workerproc

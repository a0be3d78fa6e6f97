// TutorialMercator: the transverse Mercator of the widely copied tutorial on parallel image transforms, with each of its
// roundings, so that its pictures come out pixel for pixel. It reads the source's rows as equal steps of latitude from
// 90 N to 90 S. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "workerproc/transform/picture_view.h"

namespace pairloom::workerproc {

// Python's round(value, digits) for `scale` = 10^digits up to 1000 and |value| up to 10^9: the nearest decimal number,
// exactly, halves to even.
double round_as_python(double value, double scale);

class TutorialMercator {
 public:
  explicit TutorialMercator(const PictureView& source);
  // Row `y` of the output, which has the source's size: 1 byte a pixel (gray sources) or 4.
  void row(size_t y, uint8_t* out);

 private:
  void find_sources(double lat_t);

  PictureView source_;
  // Rounded to two decimals, there are at most 629 longitudes and 612 latitudes, however large the picture: columns that
  // share a longitude share their source pixel, and so do rows that share a latitude.
  std::vector<double> longitudes_, sine_, cosine_;  // the different ones, from left to right
  std::vector<uint32_t> longitude_of_column_;
  std::optional<double> latitude_;  // that of source_pixel_
  std::vector<size_t> source_pixel_;  // by longitude
};

}  // namespace pairloom::workerproc

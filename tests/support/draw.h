// Test images are drawn by code, never stored. Runs in: tests, sample makers.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

namespace pairloom::test {

// A BGR picture (CV_8UC3, continuous) with gradients, shapes, textures and grain that depends on `seed` alone. The
// scene is laid out in relative coordinates: the same seed in another size is the same scene, only its grain differs.
// Different seeds are far apart in PDQ (about 128 of 256 bits).
cv::Mat draw_picture(uint64_t seed, int width, int height);

// A gray picture (CV_8UC1, continuous) of overlapping discs and boxes, about one for every 1000 pixels: full of corners
// and blobs for keypoint detectors.
cv::Mat draw_shapes(uint64_t seed, int width, int height);

}  // namespace pairloom::test

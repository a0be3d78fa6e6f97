// What stands before and after the bands of rows in a picture file. The bands themselves come from workers
// (workerproc/transform/strip_encoder.h); these few bytes are numbers that the supervisor knows. Runs in: supervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "jobs/transform_job.h"

namespace pairloom::daemon {

std::vector<std::byte> picture_head(const jobs::TransformSetup& setup);
// `adler32`: of all uncompressed bytes of the picture in order (PNG).
std::vector<std::byte> picture_tail(const jobs::TransformSetup& setup, uint32_t adler32);

// Bytes that go into a PNG's compressor for so many rows: each has a filter type in front.
uint64_t png_row_bytes(const jobs::TransformSetup& setup, uint64_t rows);
// Adler-32 of a + b from those of a and b.
uint32_t joined_adler32(uint32_t a, uint32_t b, uint64_t bytes_of_b);

}  // namespace pairloom::daemon

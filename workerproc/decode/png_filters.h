// PNG's row filters, undone (W3C PNG, third edition, section 9). Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pairloom::workerproc {

// Turns a stored row into samples, in place. `above` is the row above it, unfiltered; zeros for the first. Both are
// `bytes` long, with at least kRowSlackBytes readable behind them; a pixel has `pixel_bytes` bytes. False, and nothing
// done, if there is no such filter.
constexpr size_t kRowSlackBytes = 4;
bool unfilter_row(uint8_t filter, uint8_t* row, const uint8_t* above, size_t bytes, size_t pixel_bytes);

// The same for rows as they lie in the inflated data: `stored` is the filter's byte of the first, the row of
// `row_bytes` follows, then the next filter's byte. The unfiltered row above lies just as far before it. Undoes the
// first row, or as many more as go faster together, up to `count`; returns how many, 0 if there is no such filter.
size_t unfilter_rows(uint8_t* stored, size_t count, size_t row_bytes, size_t pixel_bytes);

// Four rows of filter Paeth that lie as above, of 3 or 4 bytes a pixel, at least kPaethRowsLeastPixels wide. Only if it
// can be done on this processor (AVX2).
constexpr size_t kPaethRowsLeastPixels = 8;
bool can_unfilter_four_paeth_rows();
void unfilter_four_paeth_rows(uint8_t* stored, size_t row_bytes, size_t pixel_bytes);

}  // namespace pairloom::workerproc

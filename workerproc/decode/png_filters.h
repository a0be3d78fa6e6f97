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

}  // namespace pairloom::workerproc

// dHash: is each cell darker than its right neighbour? Two kinds. Runs in: worker only.
#pragma once

#include "base/algorithm.h"
#include "workerproc/extract/area.h"

namespace pairloom::workerproc {

// 64 bits from the exact area means of 8 rows x 9 columns: bit 8 * row + column is set where the cell to the right is
// brighter; equal cells give 0. After N. Krawetz, "Kind of Like That" (hackerfactor.com, 2013), with exact means.
Code dhash(const View& view, AreaSummer& summer);

// The tutorial's pipeline, bit for bit: BGR -> cv::cvtColor gray -> cv::resize to 9x8, bilinear -> right > left, in the
// fixed-point arithmetic of OpenCV 4.6 and without OpenCV. Bilinear to 9x8 looks at four pixels per cell and at nothing
// else, so only those are made gray; but each must be that of the full-size picture: a reduced one gives another code.
// `view` must be BGR with reduction 1.
Code tutorial_dhash(const View& view);

}  // namespace pairloom::workerproc

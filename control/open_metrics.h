// GET /metrics: the daemon's status document as OpenMetrics text, for Prometheus and its kin
// (https://github.com/OpenObservability/OpenMetrics, specification 1.0). Runs in: pairloom-control.
#pragma once

#include <string>

#include "base/json_text.h"

namespace pairloom::control {

inline constexpr const char* kOpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// From the document of GET /v1/status (docs/control.md). What the document lacks is left out.
std::string open_metrics(const Json& status);

}  // namespace pairloom::control

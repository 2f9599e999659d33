// Copies of a run's records for other programs: metrics.csv, and events.out.tfevents.nibble for
// TensorBoard. metrics.jsonl is what a run is resumed from; the copies are made from it.
#pragma once
#include <span>
#include <string>

#include "nibble/train/run.h"

namespace nibble::train {

// Both files anew, with these records: at the start of each process that trains.
void write_copies(const std::string& folder, std::span<const Record>, bool validated);
// One record more.
void append_copies(const std::string& folder, const Record&, bool validated);

}  // namespace nibble::train

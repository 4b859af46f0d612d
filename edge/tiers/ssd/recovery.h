#pragma once

#include <cstdint>
#include <functional>

#include "edge/tiers/ssd/disk.h"
#include "edge/tiers/ssd/index.h"
#include "edge/tiers/ssd/segment_format.h"
#include "edge/tiers/ssd/segments.h"

namespace meridian::ssd {

// Finds what an earlier process left in the file and puts it into the index: from the tables of contents of
// ended segments, which `threads` threads read, and by scanning the few that have none. Segments may come in
// any order: of two records of a hash the one that is later in the log counts, and a tombstone takes away
// what is earlier than itself. Records themselves are verified when they are read.
//
// Generations follow one another without a gap, each segment's a whole round after its last one, and only the
// newest may lack its end. Where damage has broken that, something later than what is left may be lost:
// everything older than the loss is distrusted and dropped, so that nothing comes back that was replaced or
// removed. What is dropped, or could not be read this time, is to be blanked before anything else is written.
//
// `is_stopped`, asked by every thread for every segment: it ends soon, and what it returns is of no use.
Recovered recover(const DiskFile& file, const Geometry& geometry, const Keyring& keyring, Index& index,
                  unsigned threads, const std::function<bool()>& is_stopped);

// The records of one segment that are valid, looked for one by one. `bytes` is the whole segment.
struct Scan {
  std::vector<TocEntry> entries;
  bool gaps = false;  // something lay between them once
};
Scan scan_segment(const char* bytes, const SegmentHead& head, const Geometry& geometry);

// The table of contents of a segment; nothing when there is none that is valid.
struct SegmentEnd {
  SegmentFoot foot;
  std::vector<TocEntry> entries;
};
std::optional<SegmentEnd> read_segment_end(const DiskFile& file, std::uint32_t segment,
                                           const Geometry& geometry, const Keyring& keyring);

}  // namespace meridian::ssd

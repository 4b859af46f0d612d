#pragma once

#include <sys/uio.h>

#include <cstddef>

namespace meridian {

// Cuts the parts of one write into TLS records of at most 16 KiB (RFC 8446 section 5.1): what is large is
// taken where it lies, small parts are gathered so that they share a record.
class RecordSource {
 public:
  static constexpr std::size_t kRecordBytes = 16384;

  // `scratch` holds kRecordBytes.
  RecordSource(const iovec* parts, int count, char* scratch)
      : part_(parts), end_(parts + count), scratch_(scratch) {
    skip_empty();
  }

  struct Record {
    const char* data = nullptr;
    std::size_t size = 0;  // 0: nothing is left
  };
  // The next record without taking it. At least `least` bytes, if so many are left: OpenSSL wants a record
  // that it could not send whole offered again with no fewer bytes.
  Record peek(std::size_t least);
  void take(std::size_t bytes);

 private:
  std::size_t gather(std::size_t least);
  void skip_empty();

  const iovec* part_;
  const iovec* end_;
  std::size_t offset_ = 0;  // into *part_
  char* scratch_;
};

}  // namespace meridian

#include "edge/tiers/ssd/io_ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace meridian::ssd {
namespace {

int ring_setup(unsigned entries, io_uring_params* params) {
  return static_cast<int>(::syscall(__NR_io_uring_setup, entries, params));
}
int ring_enter(int fd, unsigned submit, unsigned wait_for, unsigned flags) {
  return static_cast<int>(::syscall(__NR_io_uring_enter, fd, submit, wait_for, flags, nullptr, 0));
}
int ring_register(int fd, unsigned what, const void* argument, unsigned count) {
  return static_cast<int>(::syscall(__NR_io_uring_register, fd, what, argument, count));
}

Failure refused(const char* what) {
  return fail(ErrorCode::kUnavailable, ErrorSource::kEdge, std::string(what) + ": " + std::strerror(errno));
}

unsigned load(const unsigned* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
void store(unsigned* word, unsigned value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }

}  // namespace

Result<std::unique_ptr<IoRing>> IoRing::create(int file, unsigned entries) {
  std::unique_ptr<IoRing> ring(new IoRing);
  if (Result<void> opened = ring->open(file, entries); !opened) return Failure(std::move(opened.error()));
  return ring;
}

Result<void> IoRing::open(int file, unsigned entries) {
  io_uring_params params{};
  // Its thread looks for answers when it is in the kernel anyway.
  params.flags = IORING_SETUP_COOP_TASKRUN;
  fd_ = ring_setup(entries, &params);
  if (fd_ < 0 && errno == EINVAL) {
    params = {};
    fd_ = ring_setup(entries, &params);
  }
  if (fd_ < 0) return refused("io_uring");
  if ((params.features & IORING_FEAT_SINGLE_MMAP) == 0) {
    errno = ENOSYS;
    return refused("io_uring is too old");
  }
  file_ = file;
  fixed_file_ = ring_register(fd_, IORING_REGISTER_FILES, &file, 1) == 0;
  return map(params);
}

Result<void> IoRing::map(const io_uring_params& params) {
  rings_bytes_ = std::max<std::size_t>(params.sq_off.array + params.sq_entries * sizeof(unsigned),
                                       params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
  void* rings = ::mmap(nullptr, rings_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_,
                       IORING_OFF_SQ_RING);
  if (rings == MAP_FAILED) return refused("io_uring memory");
  rings_ = static_cast<char*>(rings);
  entries_bytes_ = params.sq_entries * sizeof(io_uring_sqe);
  void* entries = ::mmap(nullptr, entries_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_,
                         IORING_OFF_SQES);
  if (entries == MAP_FAILED) return refused("io_uring memory");
  entries_ = static_cast<io_uring_sqe*>(entries);
  const auto word = [this](unsigned offset) { return reinterpret_cast<unsigned*>(rings_ + offset); };
  submit_head_ = word(params.sq_off.head);
  submit_tail_ = word(params.sq_off.tail);
  submit_array_ = word(params.sq_off.array);
  submit_mask_ = *word(params.sq_off.ring_mask);
  done_head_ = word(params.cq_off.head);
  done_tail_ = word(params.cq_off.tail);
  done_ = reinterpret_cast<io_uring_cqe*>(rings_ + params.cq_off.cqes);
  done_mask_ = *word(params.cq_off.ring_mask);
  return {};
}

IoRing::~IoRing() {
  if (entries_ != nullptr) ::munmap(entries_, entries_bytes_);
  if (rings_ != nullptr) ::munmap(rings_, rings_bytes_);
  if (fd_ >= 0) ::close(fd_);
}

bool IoRing::read(std::uint64_t offset, char* to, std::uint32_t bytes, std::uint64_t tag) {
  const unsigned tail = *submit_tail_;
  if (tail - load(submit_head_) > submit_mask_) return false;
  const unsigned at = tail & submit_mask_;
  io_uring_sqe& entry = entries_[at];
  std::memset(&entry, 0, sizeof entry);
  entry.opcode = IORING_OP_READ;
  entry.fd = fixed_file_ ? 0 : file_;
  entry.flags = fixed_file_ ? IOSQE_FIXED_FILE : std::uint8_t{0};
  entry.off = offset;
  entry.addr = reinterpret_cast<std::uintptr_t>(to);
  entry.len = bytes;
  entry.user_data = tag;
  submit_array_[at] = at;
  store(submit_tail_, tail + 1);
  ++queued_;
  return true;
}

int IoRing::submit(unsigned wait_for) {
  const unsigned flags = wait_for > 0 ? IORING_ENTER_GETEVENTS : 0;
  while (queued_ > 0 || wait_for > 0) {
    const int taken = ring_enter(fd_, queued_, wait_for, flags);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return errno;
    queued_ -= std::min(queued_, static_cast<unsigned>(taken));
    wait_for = 0;
    if (taken == 0) return queued_ > 0 ? EAGAIN : 0;
  }
  return 0;
}

// The kernel looks at the queue only while submit() runs.
std::optional<std::uint64_t> IoRing::take_back() {
  if (queued_ == 0) return std::nullopt;
  const unsigned tail = *submit_tail_ - 1;
  store(submit_tail_, tail);
  --queued_;
  return entries_[tail & submit_mask_].user_data;
}

bool IoRing::take(Answer* answer) {
  const unsigned head = *done_head_;
  if (head == load(done_tail_)) return false;
  const io_uring_cqe& entry = done_[head & done_mask_];
  *answer = {entry.user_data, entry.res};
  store(done_head_, head + 1);
  return true;
}

}  // namespace meridian::ssd

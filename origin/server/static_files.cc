#include "origin/server/static_files.h"

#include <algorithm>
#include <utility>

#include "lib/http/date.h"
#include "origin/server/media_types.h"

namespace meridian::origin {
namespace {

// A file that is being replaced or written just now is opened again; after so many times it is given up.
constexpr int kOpenAttempts = 3;

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

std::string_view last_segment(std::string_view relative) {
  const std::size_t slash = relative.rfind('/');
  return slash == std::string_view::npos ? relative : relative.substr(slash + 1);
}

bool is_not_found(const Error& error) { return error.code == ErrorCode::kNotFound; }

Failure not_found(const std::string& relative) {
  return fail(ErrorCode::kNotFound, ErrorSource::kOrigin, "no file '" + relative + "'");
}

}  // namespace

StaticFiles::StaticFiles(FileRoot root, const config::OriginServerConfig& config)
    : root_(std::move(root)),
      index_(config.index),
      precompressed_(config.precompressed),
      listing_(config.listing),
      hidden_(config.hidden),
      listing_limit_(config.listing_limit) {}

Result<Found> StaticFiles::find(const FileQuery& query) const {
  Result<OpenFile> opened = root_.open(query.relative);
  if (!opened) return Failure(opened.error());
  if (!opened->directory) {
    // "/file/" names something below the file, which cannot be.
    if (query.wants_directory) return not_found(query.relative);
    return find_file(query, query.relative, *std::move(opened));
  }
  if (!query.wants_directory) return Found(FoundDirectory{});
  return find_in_directory(query, *opened);
}

Result<Found> StaticFiles::find_in_directory(const FileQuery& query, const OpenFile& directory) const {
  for (const std::string& name : index_) {
    const std::string relative = join(query.relative, name);
    Result<OpenFile> opened = root_.open(relative);
    if (opened && !opened->directory) return find_file(query, relative, *std::move(opened));
    if (!opened && !is_not_found(opened.error())) return Failure(opened.error());
  }
  if (!listing_) return not_found(query.relative);
  Result<std::vector<ListingEntry>> entries = root_.list(directory, hidden_, listing_limit_ + 1);
  if (!entries) return Failure(entries.error());
  const bool cut_off = entries->size() > listing_limit_;
  if (cut_off) entries->pop_back();
  return Found(FoundListing{listing_page(query.display_path, *entries, cut_off)});
}

Result<Found> StaticFiles::find_file(const FileQuery& query, const std::string& relative,
                                     OpenFile file) const {
  FoundFile found;
  found.name = last_segment(relative);
  OpenFile chosen = std::move(file);
  std::string chosen_path = relative;
  std::size_t best = query.codings.size();
  for (const Coding& coding : kCodings) {
    if (!precompressed_) break;
    const std::string sibling = relative + std::string(coding.extension);
    Result<OpenFile> opened = root_.open(sibling);
    if (!opened || opened->directory) continue;
    found.has_codings = true;
    const auto wish = std::find_if(query.codings.begin(), query.codings.end(),
                                   [&](const Coding& c) { return c.name == coding.name; });
    const auto rank = static_cast<std::size_t>(wish - query.codings.begin());
    if (rank >= best) continue;
    best = rank;
    found.coding = coding.name;
    chosen = *std::move(opened);
    chosen_path = sibling;
  }
  Result<ReadyFile> ready = make_ready(chosen_path, std::move(chosen), query.read_head);
  if (!ready) return Failure(ready.error());
  found.ready = *std::move(ready);
  return Found(std::move(found));
}

Result<ReadyFile> StaticFiles::make_ready(const std::string& relative, OpenFile file, bool read_head) const {
  const auto wanted = [&] {
    return read_head
               ? static_cast<std::size_t>(std::min<std::uint64_t>(file.stamp.size, Content::kBlockBytes))
               : 0;
  };
  for (int attempt = 1;; ++attempt) {
    Result<Slice> head = read_unchanged(file, 0, wanted());
    if (head) return ReadyFile{std::move(file), *std::move(head)};
    if (attempt == kOpenAttempts) return Failure(head.error());
    Result<OpenFile> again = root_.open(relative);
    if (!again) return Failure(again.error());
    if (again->directory) return not_found(relative);
    file = *std::move(again);
  }
}

Representation represent(FoundFile found, EventLoop& loop, IoPool& pool) {
  Representation representation;
  const FileStamp stamp = found.ready.file.stamp;
  representation.etag = entity_tag(stamp, found.coding);
  char date[http::kHttpDateBytes];
  // A date in the future would be a lie about the past (RFC 9110 section 8.8.2.1).
  http::format_http_date(std::min(stamp.mtime_s, loop.wall_ms() / 1000), date);
  representation.last_modified.assign(date, sizeof date);
  representation.content_type = media_type_of(found.name);
  if (!found.coding.empty()) representation.headers.set("Content-Encoding", found.coding);
  if (found.has_codings) representation.headers.add_member("Vary", "Accept-Encoding");
  representation.headers.set("X-Content-Type-Options", "nosniff");
  representation.content = std::make_unique<FileContent>(loop, pool, std::move(found.ready));
  return representation;
}

Answer file_error_answer(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return text_answer(404, "There is nothing here.\n");
    case ErrorCode::kRefused:
      return text_answer(403, "This file may not be read by the server.\n");
    case ErrorCode::kUnavailable:
    case ErrorCode::kClosed: {
      Answer answer = text_answer(503, "The file cannot be read at the moment.\n");
      answer.headers.set("Retry-After", "1");
      return answer;
    }
    default:
      return text_answer(500, "Reading the file failed.\n");
  }
}

}  // namespace meridian::origin

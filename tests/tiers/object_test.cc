#include "edge/tiers/object.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/contract/tier_objects.h"

namespace meridian {
namespace {

using test::body_of;
using test::bytes_of;
using test::is_whole;
using test::meta_of;
using test::object_of;
using test::slices_of;

std::set<const RefCounted*> owners_of(const Object& object) {
  std::set<const RefCounted*> owners;
  for (std::size_t i = 0; i < object.piece_count(); ++i) owners.insert(object.piece(i).owner.get());
  return owners;
}

Ref<Object> built_from(std::span<const Slice> body) {
  return Object::from_fill("k", meta_of("k", 1), bytes_of("k", 1, "head", 10), body);
}

TEST(Object, HoldsAllPartsInOneAllocationOfTheRightSize) {
  const auto object = object_of("http://a.test/path", 3, 1000, 77);
  EXPECT_TRUE(is_whole(*object, "http://a.test/path"));
  EXPECT_EQ(object->head().size(), 77U);
  EXPECT_EQ(object->body_size(), 1000U);
  EXPECT_EQ(object->inline_body(), body_of(*object));
  EXPECT_EQ(object->key_hash(), hash_of_key("http://a.test/path"));
  EXPECT_EQ(object->piece_count(), 1U);
  const std::size_t content = sizeof(Object) + object->key().size() + 77 + 1000;
  EXPECT_GE(object->footprint_bytes(), content);
  EXPECT_LE(object->footprint_bytes(), content + 64) << "header and rounding of the allocator";
}

TEST(Object, AnEmptyBodyIsOneEmptyPiece) {
  const auto object = Object::make("k", {}, "", {});
  ASSERT_EQ(object->piece_count(), 1U);
  EXPECT_EQ(object->piece(0).size, 0U);
  EXPECT_EQ(object->body_size(), 0U);
}

TEST(Object, APieceKeepsItsBytesAlive) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100'000}}) {
    auto object = object_of("k", 1, size);
    std::vector<Slice> pieces;
    for (std::size_t i = 0; i < object->piece_count(); ++i) pieces.push_back(object->piece(i));
    object.reset();
    std::string body;
    for (const Slice& piece : pieces) body += piece.view();
    EXPECT_TRUE(body == bytes_of("k", 1, "body", size));
  }
}

TEST(Object, KeepsWellFilledBlocksAndCopiesTheLastPart) {
  constexpr std::size_t kBlock = 64 * 1024;
  const auto slices = slices_of(bytes_of("k", 1, "body", 3 * kBlock + 10'000), kBlock);
  const auto object = built_from(slices);
  EXPECT_TRUE(is_whole(*object, "k"));
  ASSERT_EQ(object->piece_count(), 4U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(object->piece(i).data, slices[i].data) << "not copied";
  EXPECT_NE(object->piece(3).owner.get(), slices[3].owner.get());
  EXPECT_LE(object->footprint_bytes(), 3 * (kBlock + 64) + 10'000 + 64 + 300);
}

TEST(Object, DoesNotPinBlocksThatHoldLittleOfIt) {
  // Framing and neighbours leave a tenth of each block to this body.
  constexpr std::size_t kBlock = 64 * 1024;
  const std::string body = bytes_of("k", 1, "body", 500'000);
  std::vector<Slice> slices;
  for (std::size_t at = 0; at < body.size(); at += kBlock / 10) {
    const std::string_view part = std::string_view(body).substr(at, kBlock / 10);
    Ref<Block> block = Block::allocate(kBlock);
    char* to = block->data() + 17;
    part.copy(to, part.size());
    slices.push_back({std::move(block), to, part.size()});
  }
  const auto object = built_from(slices);
  EXPECT_TRUE(is_whole(*object, "k"));
  EXPECT_LT(object->footprint_bytes(), body.size() + 1000);
}

TEST(Object, CopiesABodyInTinyPieces) {
  // Every second byte is framing, so that no two pieces adjoin.
  const std::string body = bytes_of("k", 1, "body", 100'000);
  Ref<Block> block = Block::allocate(2 * body.size());
  std::vector<Slice> slices;
  for (std::size_t at = 0; at < body.size(); at += 10) {
    char* to = block->data() + at / 10 * 11;
    body.copy(to, 10, at);
    slices.push_back({block, to, 10});
  }
  const auto object = built_from(slices);
  EXPECT_TRUE(is_whole(*object, "k"));
  EXPECT_EQ(object->piece_count(), 1U);
  EXPECT_LT(object->footprint_bytes(), body.size() + 1000);
}

TEST(Object, MergesNeighboursAndCountsASharedBlockOnce) {
  const std::string body = bytes_of("k", 1, "body", 120'000);
  const Slice whole = Slice::copy_of(body);
  const std::vector<Slice> parts = {whole.sub(0, 50'000), whole.sub(50'000, 20'000),
                                    whole.sub(70'000, 50'000)};
  const auto built = built_from(parts);
  EXPECT_EQ(built->piece_count(), 1U);
  EXPECT_EQ(built->piece(0).data, whole.data) << "not copied";
  EXPECT_TRUE(is_whole(*built, "k"));
  const auto listed = Object::make_large("k", meta_of("k", 1), bytes_of("k", 1, "head", 10), parts);
  EXPECT_EQ(listed->piece_count(), 3U);
  EXPECT_TRUE(is_whole(*listed, "k"));
  EXPECT_LT(listed->footprint_bytes(), 120'000U + 500U);
  EXPECT_GE(listed->footprint_bytes(), 120'000U);
}

TEST(Object, AcceptsStaticBytesAsLargeBody) {
  const std::string bytes = bytes_of("k", 1, "body", 90'000);
  const Slice slice = Slice::of_static(bytes);
  const auto object = built_from({&slice, 1});
  EXPECT_TRUE(is_whole(*object, "k"));
  EXPECT_LT(object->footprint_bytes(), 500U) << "static bytes cost nothing";
}

TEST(Object, WithGivesANewHeadToTheSameBody) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{150'000}}) {
    auto old = object_of("key", 1, size);
    const auto old_owners = owners_of(*old);
    const auto fresh = old->with(meta_of("key", 2), "new head");
    EXPECT_EQ(fresh->key(), "key");
    EXPECT_EQ(fresh->head(), "new head");
    EXPECT_EQ(fresh->meta(), meta_of("key", 2));
    EXPECT_EQ(owners_of(*fresh) == old_owners, size > Object::kInlineBody) << "a large body is shared";
    EXPECT_TRUE(is_whole(*old, "key"));
    old.reset();
    EXPECT_TRUE(body_of(*fresh) == bytes_of("key", 1, "body", size));
  }
}

TEST(Object, RefusesAKeyThatIsTooLong) {
  const std::string longest(Object::kMaxKey, 'x');
  const auto object = object_of(longest, 1, 10);
  ASSERT_TRUE(object);
  EXPECT_TRUE(is_whole(*object, longest));
  EXPECT_FALSE(object_of(longest + "x", 1, 10));
  EXPECT_FALSE(object_of(longest + "x", 1, 100'000));
}

TEST(Object, ReturnsEveryBlockWhenItGoes) {
  const auto slices = slices_of(bytes_of("k", 1, "body", 128 * 1024), 64 * 1024);
  auto object = built_from(slices);
  EXPECT_FALSE(slices[0].owner->unique());
  object.reset();
  for (const Slice& slice : slices) EXPECT_TRUE(slice.owner->unique());
}

// A body that lies elsewhere: everything but the bytes is as ever, and a newer head keeps the way to them.
TEST(Object, AFarBodyHasItsSizeAndNoPieces) {
  const Slice elsewhere = Slice::copy_of("where");
  const auto far = Object::make_far("k", meta_of("k", 1), "head", 10'000'000'000, elsewhere.owner);
  EXPECT_EQ(far->key(), "k");
  EXPECT_EQ(far->head(), "head");
  EXPECT_EQ(far->body_size(), 10'000'000'000U);
  EXPECT_EQ(far->piece_count(), 0U);
  EXPECT_EQ(far->far_body(), elsewhere.owner.get());
  EXPECT_TRUE(far->has_cold_copy());
  const auto fresh = far->with(meta_of("k", 2), "newer head");
  EXPECT_EQ(fresh->head(), "newer head");
  EXPECT_EQ(fresh->body_size(), far->body_size());
  EXPECT_EQ(fresh->far_body(), elsewhere.owner.get());
  EXPECT_TRUE(fresh->has_cold_copy());
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, Object::kInlineBody + 1}) {
    const Slice body = Slice::copy_of(std::string(size, 'x'));
    EXPECT_EQ(Object::from_fill("k", meta_of("k", 1), "head", {&body, 1})->far_body(), nullptr) << size;
    EXPECT_EQ(Object::make_large("k", meta_of("k", 1), "head", {&body, 1})->far_body(), nullptr) << size;
  }
}

}  // namespace
}  // namespace meridian

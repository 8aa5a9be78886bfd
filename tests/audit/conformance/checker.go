// Checks a log folder with Go's own packages for signed notes and transparency logs, none of ours.
//
//	checker FOLDER [EARLIER_CHECKPOINT...]
//
// It opens the checkpoint with the folder's vkey, proves every entry to be in the tree that was signed, makes each
// tile anew from the entries, and proves that each earlier checkpoint is of the same log. Exits with 0 when all of that
// holds, 1 when something does not, 2 when a file it needs is not there or is malformed.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
	sample = 499 // a prime, so that the sample meets every place within a tile
)

var errUnreadable = errors.New("unreadable")

func unreadable(what string, err error) error {
	return fmt.Errorf("%w: %s: %v", errUnreadable, what, err)
}

// folder reads tiles as c2sp.org/tlog-tiles names them, which is without the height that Go's own paths begin with.
type folder struct{ path string }

func (f folder) Height() int                         { return height }
func (f folder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		content, err := f.tile(tile)
		if err != nil {
			return nil, err
		}
		if len(content) < tile.W*tlog.HashSize {
			return nil, unreadable(place(tile), errors.New("too short"))
		}
		found = append(found, content[:tile.W*tlog.HashSize])
	}
	return found, nil
}

// A partial tile may be gone once its full one is there, which begins with it.
func (f folder) tile(tile tlog.Tile) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(f.path, place(tile)))
	if errors.Is(err, os.ErrNotExist) {
		whole := tile
		whole.W = width
		content, err = os.ReadFile(filepath.Join(f.path, place(whole)))
	}
	if err != nil {
		return nil, unreadable(place(tile), err)
	}
	return content, nil
}

func place(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

func (f folder) entries(n int64, w int) ([][]byte, error) {
	bundle := tlog.Tile{H: height, L: -1, N: n, W: w}
	content, err := f.tile(bundle)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(content) > 0 {
		if len(content) < 2 || len(content)-2 < int(binary.BigEndian.Uint16(content)) {
			return nil, unreadable(place(bundle), errors.New("ends within an entry"))
		}
		end := 2 + int(binary.BigEndian.Uint16(content))
		entries, content = append(entries, content[2:end]), content[end:]
	}
	if len(entries) < w {
		return nil, unreadable(place(bundle), fmt.Errorf("holds %d entries, not %d", len(entries), w))
	}
	return entries[:w], nil
}

// checkpoint opens a note and reads the three lines of c2sp.org/tlog-checkpoint in it.
func checkpoint(path string, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	signed, err := os.ReadFile(path)
	if err != nil {
		return tree, unreadable(path, err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, errors.New("the checkpoint is not of the log whose key signed it")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return tree, fmt.Errorf("%q is no size", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("%q is no root", lines[2])
	}
	tree.N = size
	copy(tree.Hash[:], root)
	return tree, nil
}

// provedHashes reads every entry and holds its hash against the one that the signed tree proves to be at its place.
func provedHashes(f folder, tree tlog.Tree, proved tlog.HashReader) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for n := int64(0); n*width < tree.N; n++ {
		w := width
		if tree.N-n*width < width {
			w = int(tree.N - n*width)
		}
		entries, err := f.entries(n, w)
		if err != nil {
			return nil, err
		}
		indexes := make([]int64, w)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, n*width+int64(i))
		}
		stored, err := proved.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != stored[i] {
				return nil, fmt.Errorf("entry %d is not the one that was signed", n*width+int64(i))
			}
		}
		found = append(found, stored...)
	}
	return found, nil
}

// checkSample proves single entries the way a stranger would who was sent nothing but one proof.
func checkSample(tree tlog.Tree, leaves []tlog.Hash, proved tlog.HashReader) (int, error) {
	checked := 0
	for i := int64(0); i < tree.N; i += sample {
		proof, err := tlog.ProveRecord(tree.N, i, proved)
		if err == nil {
			err = tlog.CheckRecord(proof, tree.N, tree.Hash, i, leaves[i])
		}
		if err != nil {
			return checked, fmt.Errorf("entry %d: %w", i, err)
		}
		checked++
	}
	return checked, nil
}

// checkTiles makes the whole tree from the entries alone, and from it every tile that a tree of its size has. The
// reader above trusts some tiles that share their place in the right edge, so this is not only a second look.
func checkTiles(f folder, tree tlog.Tree, leaves []tlog.Hash) (int, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for n, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(n), leaf, reader)
		if err != nil {
			return 0, err
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return 0, err
	}
	if root != tree.Hash {
		return 0, errors.New("the entries do not make the root that was signed")
	}
	checked := 0
	for level := 0; tree.N>>(height*level) > 0; level++ {
		hashes := tree.N >> (height * level)
		for n := int64(0); n*width < hashes; n++ {
			tile := tlog.Tile{H: height, L: level, N: n, W: width}
			if hashes-n*width < width {
				tile.W = int(hashes - n*width)
			}
			wanted, err := tlog.ReadTileData(tile, reader)
			if err != nil {
				return checked, err
			}
			content, err := f.tile(tile)
			if err != nil {
				return checked, err
			}
			whole := len(content) == width*tlog.HashSize
			if !bytes.HasPrefix(content, wanted) || len(content) != len(wanted) && !whole {
				return checked, fmt.Errorf("%s is not what the entries make it", place(tile))
			}
			checked++
		}
	}
	return checked, nil
}

// checkEarlier proves that the log still begins as it did when an earlier checkpoint was signed.
func checkEarlier(f folder, tree, before tlog.Tree, proved tlog.HashReader) error {
	if before.N > tree.N {
		return fmt.Errorf("the log had %d entries and has %d", before.N, tree.N)
	}
	proof, err := tlog.ProveTree(tree.N, before.N, proved)
	if err == nil {
		err = tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash)
	}
	if err != nil {
		return err
	}
	last := []int64{tlog.StoredHashIndex(0, before.N-1)}
	_, err = tlog.TileHashReader(before, f).ReadHashes(last)
	return err
}

func check(path string, earlier []string) error {
	f := folder{path}
	vkey, err := os.ReadFile(filepath.Join(path, "vkey"))
	if err != nil {
		return unreadable("vkey", err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	tree, err := checkpoint(filepath.Join(path, "checkpoint"), verifier)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	proved := tlog.TileHashReader(tree, f)
	leaves, err := provedHashes(f, tree, proved)
	if err != nil {
		return err
	}
	sampled, err := checkSample(tree, leaves, proved)
	if err != nil {
		return err
	}
	tiles, err := checkTiles(f, tree, leaves)
	if err != nil {
		return err
	}
	for _, path := range earlier {
		before, err := checkpoint(path, verifier)
		if err == nil {
			err = checkEarlier(f, tree, before, proved)
		}
		if err != nil {
			return fmt.Errorf("earlier checkpoint %s: %w", filepath.Base(path), err)
		}
	}
	fmt.Printf("%s\n%d entries\n%d proved alone\n%d tiles\n%d earlier checkpoints\n",
		verifier.Name(), len(leaves), sampled, tiles, len(earlier))
	return nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "checker FOLDER [EARLIER_CHECKPOINT...]")
		os.Exit(2)
	}
	err := check(os.Args[1], os.Args[2:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errUnreadable) {
		os.Exit(2)
	}
	os.Exit(1)
}

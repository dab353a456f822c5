package metrics

// Has says whether a series has any points.
func (s *Store) Has(k Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gather()
	return s.series[k] != nil
}

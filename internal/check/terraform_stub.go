package check

func (c *checker) readTerraform(string) error { return ErrNothing }
